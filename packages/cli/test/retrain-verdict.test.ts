import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evaluateRun, type RunResults, repeatedKFold } from '@cryfold/evaluation';
import { judge, judgeFirst } from '../src/retrain-verdict.js';

const CLIPS = 30;
const splits = repeatedKFold(CLIPS, { splits: 3, repeats: 2, seed: 0 });

/** A run of `svm`, `cnn` and their fusion; the folds of `cnn` that are named in `lost` failed. */
function run(id: string, lost: readonly number[], failed = lost): RunResults {
  const names = ['svm', 'cnn'];
  const clips = Array.from({ length: CLIPS }, (_, i) => ({ id: `${i}`, group: `${i}`, label: i % 2 }));
  const evaluated = evaluateRun({
    ...{ classes: ['a', 'b'], clips, splits },
    estimators: { svm: { kind: 'svm' }, cnn: { kind: 'small-cnn' } },
    fusion: { both: { rule: 'mean', members: names } },
    probabilities: new Map(
      names.map((name) => [
        name,
        splits.map(({ test }, s) =>
          name === 'cnn' && lost.includes(s)
            ? null
            : Float64Array.from([...test].flatMap((clip) => (clip % 2 ? [0.2, 0.8] : [0.8, 0.2]))),
        ),
      ]),
    ),
    failures: failed.map((s) => {
      const { repeat, fold } = splits[s];
      return { model: 'cnn', repeat, fold, code: 'NN_LOSS_NOT_FINITE', message: 'the loss is NaN' };
    }),
  });
  return {
    ...{ format: 1, run: { id, name: 'r' }, spec: {}, environment: {} },
    dataset: { name: 'd', contentHash: '', ...evaluated.dataset },
    protocol: { splitter: 'RepeatedKFold', seed: 0, ...evaluated.protocol },
    ...evaluated.results,
  };
}

const ALL = splits.map((_, s) => s);
const next = (id: string) => `; cryfold status ${id} tells more, cryfold retry ${id} tries again`;

test('without its folds a challenger is told with its run, how many failed, by what, and what to do', () => {
  const whole = { results: run('old-1', []), of: 'cnn' };
  const none = { results: run('new-1', ALL), of: 'cnn' };
  const reason = `6 of 6 folds of cnn failed in run new-1: first cnn, repeat 0, fold 0 by NN_LOSS_NOT_FINITE${next('new-1')}`;
  for (const verdict of [judgeFirst(none), judge(whole, none, 0.05)]) {
    assert.equal(verdict.promote, undefined);
    assert.equal(verdict.reason, reason);
  }
  assert.notEqual(judgeFirst(whole).promote, undefined);
  const fused = { results: run('new-2', [1, 4], [4]), of: 'both' };
  assert.equal(
    judgeFirst(fused).reason,
    `2 of 12 folds of svm, cnn are missing in run new-2: first cnn, repeat 1, fold 1 by NN_LOSS_NOT_FINITE${next('new-2')}`,
  );
  // The challenger may be whole and the champion not.
  assert.match(judge(none, { results: run('new-3', []), of: 'cnn' }, 0.05).reason, /^6 of 6 folds .* in run new-1/);
});
