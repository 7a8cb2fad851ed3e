import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type EvaluationInput, evaluateRun, kFold, outOfFoldRows, type ShuffledFold } from '../src/index.js';

const CLIPS = 12;
const labels = Array.from({ length: CLIPS }, (_, i) => i % 2);
const splits = kFold(CLIPS, { splits: 3 });
const right = (s: number) =>
  Float64Array.from([...splits[s].test].flatMap((clip) => (labels[clip] ? [0.25, 0.75] : [0.75, 0.25])));
const wrong = (s: number) => right(s).map((p) => 1 - p);

function evaluated(shuffled: readonly ShuffledFold[]) {
  const input: EvaluationInput = {
    ...{ classes: ['a', 'b'], splits, estimators: { m: { kind: 'svm' }, n: { kind: 'svm' } }, fusion: {}, shuffled },
    clips: labels.map((label, i) => ({ id: `${i}`, group: `${i}`, label })),
    probabilities: new Map(['m', 'n'].map((name) => [name, splits.map((_, s) => right(s))])),
    failures: [{ model: 'm on shuffled labels 1', repeat: 0, fold: 2, code: 'CHILD_CRASHED', message: 'it ended' }],
  };
  return evaluateRun(input).results;
}

test('models trained on shuffled labels have separate figures, by model and fold', () => {
  const { baselines, missing, status } = evaluated([
    { model: 'n', shuffle: 0, split: 0, probabilities: wrong(0) },
    { model: 'm', shuffle: 0, split: 1, probabilities: right(1) },
    { model: 'm', shuffle: 1, split: 0, probabilities: wrong(0) },
  ]);
  assert.deepEqual([missing, status], [[], 'complete']);
  const [n, m] = baselines.shuffled!;
  assert.deepEqual([n.model, m.model], ['n', 'm']);
  assert.deepEqual(
    m.folds.map(({ shuffle, repeat, fold, accuracy }) => [shuffle, repeat, fold, accuracy]),
    [
      [0, 0, 1, 1],
      [1, 0, 0, 0],
    ],
  );
  assert.deepEqual([n.accuracy?.mean, m.accuracy?.mean], [0, 0.5]);
  // The probability of a clip's class is either 0.75 or 0.25.
  assert.ok(Math.abs(m.folds[0].logLoss! - -Math.log(0.75)) < 1e-12);
  assert.ok(Math.abs(m.folds[1].logLoss! - -Math.log(0.25)) < 1e-12);
});

test('decision values choose the class that a model trained on shuffled labels predicts', () => {
  const { baselines } = evaluated([{ model: 'm', shuffle: 0, split: 0, probabilities: right(0), scores: wrong(0) }]);
  const [{ folds }] = baselines.shuffled!;
  assert.equal(folds[0].accuracy, 0);
  assert.ok(Math.abs(folds[0].logLoss! - -Math.log(0.75)) < 1e-12);
});

test('lists a missing fold on shuffled labels with the reason, and marks the results as incomplete', () => {
  const { missing, status, baselines } = evaluated([
    { model: 'm', shuffle: 0, split: 0, probabilities: right(0) },
    { model: 'm', shuffle: 1, split: 2 },
  ]);
  assert.equal(status, 'incomplete');
  assert.deepEqual(missing, [
    { model: 'm on shuffled labels 1', repeat: 0, fold: 2, code: 'CHILD_CRASHED', reason: 'it ended' },
  ]);
  assert.equal(baselines.shuffled![0].folds.length, 1);
  assert.equal(evaluated([]).baselines.shuffled, undefined);
});

test('a fusion that is fitted after the evaluation learns from the out-of-fold predictions of one repeat', () => {
  const repeats = [...splits, ...splits.map((split) => ({ ...split, repeat: 1 }))];
  const member = [right(0), right(1), right(2), wrong(0), wrong(1), null];
  const rows = outOfFoldRows({ splits: repeats, members: [member], labels, classes: 2 }, 0)!;
  assert.deepEqual([...(rows.labels as number[])], labels);
  assert.deepEqual(
    [...rows.members[0]],
    labels.flatMap((label) => (label ? [0.25, 0.75] : [0.75, 0.25])),
  );
  assert.equal(outOfFoldRows({ splits: repeats, members: [member], labels, classes: 2 }, 1), null, 'a fold is missing');
  const partial = { splits: repeats.slice(0, 2), members: [member], labels, classes: 2 };
  assert.equal(outOfFoldRows(partial, 0), null, 'clips of the last fold are never tested');
});
