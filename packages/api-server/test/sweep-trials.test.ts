import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TrialRow } from '@cryfold/evaluation';
import { SweepTrials } from '../src/sweep-trials.js';
import { planOf } from './small-run.js';

const SEARCH = `search:
  algorithm: random
  trials: 2
  space: { svm: { C: { log: [0.1, 10] } }, other: { C: { log: [0.1, 10] } } }
`;

function row(base: string, number: number, mean: number): TrialRow {
  const figures = { folds: 3, planned: 3, mean, standardDeviation: null, low: null, high: null };
  const trial = `${base}-00${number}`;
  return { ...{ trial, base, state: 'COMPLETE', reason: '', parameters: { C: number } }, ...figures };
}

test('redraws only the pictures of estimators whose trials changed, and keeps the others', () => {
  const sweep = new SweepTrials(planOf('{ svm: { kind: svm }, other: { kind: svm } }', SEARCH).spec);
  const rows = [row('svm', 1, 0.5), row('svm', 2, 0.6), row('other', 1, 0.7)];
  const first = sweep.update(rows);
  assert.deepEqual([first.trials.length, first.pictures.map(({ base }) => base)], [3, ['svm', 'other']]);

  assert.deepEqual(sweep.update(structuredClone(rows)), { trials: [], pictures: [] });
  assert.equal(sweep.all.pictures[0], first.pictures[0], 'not computed again');

  const changed = [rows[0], row('svm', 2, 0.8), rows[2]];
  const { trials, pictures } = sweep.update(changed);
  assert.deepEqual(trials, [changed[1]]);
  assert.deepEqual(
    pictures.map(({ base, trials: all }) => [base, all.map(({ score }) => score)]),
    [['svm', [0.5, 0.8]]],
  );
  const { all } = sweep;
  assert.deepEqual(all.trials, changed);
  assert.deepEqual(new Set(all.pictures), new Set([pictures[0], first.pictures[1]]));

  sweep.update([changed[2]]);
  assert.deepEqual(sweep.all.pictures, [first.pictures[1]], 'an estimator without trials has no picture');
});
