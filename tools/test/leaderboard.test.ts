import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evaluateRun, type RunResults, repeatedKFold } from '@cryfold/evaluation';
import { comparisonTable, modelTable } from '../src/leaderboard/tables.js';

/** Returns a run in which each group has clips of both classes. A model is correct except for the clips it misses. */
function results(misses: Record<string, (clip: number) => boolean>): RunResults {
  const clips = Array.from({ length: 80 }, (_, i) => ({ id: `${i}`, group: `${i % 8}`, label: (i >> 3) % 2 }));
  const splits = repeatedKFold(80, { splits: 5, repeats: 1, seed: 0 });
  const answers = (missed: (clip: number) => boolean) =>
    splits.map(({ test }) =>
      Float64Array.from([...test].flatMap((i) => (missed(i) === (clips[i].label === 0) ? [0.1, 0.9] : [0.9, 0.1]))),
    );
  const names = Object.keys(misses);
  const { results, ...described } = evaluateRun({
    ...{ classes: ['a', 'b'], clips, splits, metric: 'balancedAccuracy' },
    estimators: Object.fromEntries(names.map((name) => [name, { kind: 'svm' }])),
    probabilities: new Map(names.map((name) => [name, answers(misses[name])])),
    fusion: {},
  });
  return {
    ...{ format: 2, run: { id: 'r', name: 'r' }, spec: {}, environment: {} },
    dataset: { name: 'd', contentHash: '', ...described.dataset },
    protocol: { splitter: 'RepeatedKFold', seed: 0, ...described.protocol },
    ...results,
  };
}

const never = () => false;
/** Misses 38 of 80 clips, some in every group. */
const often = (clip: number) => clip % 5 < 2 || clip % 8 === 7;
const found = { grouped: results({ often, never }), random: results({ never, often: (clip) => clip < 8 }) };
const cells = (line: string) => line.split('|').map((cell) => cell.trim());

test('lists the best model on grouped folds first, with its metrics on both kinds of folds', () => {
  const [head, , first, second, majority] = modelTable(found).split('\n').map(cells);
  assert.equal(head.length, 8);
  assert.deepEqual([first[1], first[2], first[4], first[5]], ['never', '100.0 ± 0.0', '100.0 ± 0.0', '100.0 ± 0.0']);
  assert.equal(second[1], 'often');
  const { balancedAccuracy } = found.grouped.models[0];
  assert.ok(second[2].startsWith((100 * balancedAccuracy!.mean).toFixed(1)), second[2]);
  assert.match(second[3], /^\d+\.\d to \d+\.\d$/);
  assert.match(second[6], /^9\d\.\d ± /);
  assert.match(majority[2], /^50\.0 ± 0\.0$/);
});

test('subtracts the second score from the first, whatever the spec order, and adjusts p-values for all tests', () => {
  const pairs = [
    ['never', 'often'],
    ['often', 'never'],
  ];
  const { table, tests } = comparisonTable(pairs, new Map([['one', found]]));
  assert.equal(tests, 2);
  const [, , better, worse] = table.split('\n').map(cells);
  const shape = /^([+-][\d.]+) \(([+-][\d.]+) to ([+-][\d.]+)\); p ([\d.]+), adjusted ([\d.]+)$/;
  const [, difference, low, high, p, adjusted] = better[2].match(shape)!;
  assert.equal(difference, '+47.5');
  assert.deepEqual(worse[2].match(shape)!.slice(1, 4), ['-47.5', high.replace('+', '-'), low.replace('+', '-')]);
  // One model is worse in all 8 groups, so only 2 of the 2^8 exchanges give a difference as extreme as the observed
  // one.
  assert.equal(p, '0.008');
  assert.equal(adjusted, '0.016');
});

test('refuses a comparison with a model that the spec does not have', () => {
  assert.throws(() => comparisonTable([['never', 'other']], new Map([['one', found]])), /never:other/);
});
