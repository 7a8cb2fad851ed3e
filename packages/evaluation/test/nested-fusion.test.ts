import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '@cryfold/core';
import {
  type EvaluationInput,
  evaluateRun,
  fuse,
  type InnerSplit,
  kFold,
  repeatedKFold,
  type Split,
} from '../src/index.js';

const CLIPS = 40;
const MEMBERS = ['net', 'svm'];

/** Returns a run of two members with random probabilities that favour the true class in every outer and inner fold. */
function nestedRun() {
  const random = new Random(3);
  const labels = Array.from({ length: CLIPS }, () => random.below(3));
  const splits = repeatedKFold(CLIPS, { splits: 4, repeats: 2, seed: 1 });
  const inside = splits.flatMap(({ repeat, fold, train }, outer): InnerSplit[] =>
    kFold(train.length, { splits: 3, shuffle: true, seed: outer }).map((split) => ({
      ...{ repeat, fold, outer },
      train: split.train.map((row) => train[row]),
      test: split.test.map((row) => train[row]),
    })),
  );
  const predict = ({ test: clips }: Split) => {
    const rows = Array.from(clips, (clip) => [0, 1, 2].map((c) => random.uniform() + (c === labels[clip] ? 0.4 : 0)));
    return Float64Array.from(rows.flatMap((row) => row.map((value) => value / row.reduce((sum, one) => sum + one, 0))));
  };
  const ofAll = (all: readonly Split[]) => new Map(MEMBERS.map((name) => [name, all.map(predict)]));
  const input = {
    ...{ classes: ['a', 'b', 'c'], splits, probabilities: ofAll(splits) },
    clips: labels.map((label, i) => ({ id: `${i}`, group: `${i}`, label })),
    estimators: { net: { kind: 'small-cnn' }, svm: { kind: 'svm' } },
    fusion: {
      stack: { rule: 'stacked', members: MEMBERS, nested: true },
      weights: { rule: 'weighted', members: MEMBERS, nested: true },
      plain: { rule: 'stacked', members: MEMBERS },
    },
    inner: { splits: inside, probabilities: ofAll(inside) },
  } satisfies EvaluationInput;
  return { input, labels };
}

test('a nested fusion learns only from members that were trained inside the outer fold', () => {
  const { input, labels } = nestedRun();
  const { results, probabilities } = evaluateRun(input);
  assert.deepEqual(
    results.models.map(({ name, nested }) => [name, nested]),
    [...MEMBERS.map((name) => [name, undefined]), ['stack', true], ['weights', true], ['plain', undefined]],
  );
  for (const [s, { train }] of input.splits.entries()) {
    const members = MEMBERS.map((name) => {
      const rows = new Map<number, Float64Array>();
      for (const [i, split] of input.inner.splits.entries()) {
        if (split.outer !== s) continue;
        const own = input.inner.probabilities.get(name)![i];
        split.test.forEach((clip, row) => {
          rows.set(clip, own.subarray(3 * row, 3 * row + 3));
        });
      }
      return Float64Array.from([...train].flatMap((clip) => [...rows.get(clip)!]));
    });
    const training = { members, labels: Array.from(train, (clip) => labels[clip]) };
    const outer = MEMBERS.map((name) => input.probabilities.get(name)![s]);
    assert.deepEqual(probabilities.get('stack')![s], fuse('stacked', outer, 3, training));
    assert.deepEqual(probabilities.get('weights')![s], fuse('weighted', outer, 3, training));
  }
});

test('models of other outer folds affect a plain stacked fusion of a fold, but not a nested one', () => {
  const { input } = nestedRun();
  const before = evaluateRun(input).probabilities;
  const changed = new Map(
    [...input.probabilities].map(([name, folds]) => [
      name,
      folds.map((rows, s) => (s === 1 ? rows.toReversed() : rows)),
    ]),
  );
  const after = evaluateRun({ ...input, probabilities: changed }).probabilities;
  assert.deepEqual(after.get('stack')![0], before.get('stack')![0]);
  assert.notDeepEqual(after.get('plain')![0], before.get('plain')![0]);
});

test('a missing inner fold affects only its own outer fold', () => {
  const { input } = nestedRun();
  const holed = new Map<string, (Float64Array | null)[]>(input.inner.probabilities);
  holed.set('svm', [
    ...input.inner.probabilities.get('svm')!.slice(0, 4),
    null,
    ...input.inner.probabilities.get('svm')!.slice(5),
  ]);
  const { results } = evaluateRun({ ...input, inner: { ...input.inner, probabilities: holed } });
  assert.deepEqual(
    results.missing.map(({ model, repeat, fold }) => [model, repeat, fold]),
    [
      ['stack', 0, 1],
      ['weights', 0, 1],
    ],
  );
  assert.match(results.missing[0].reason, /lacks predictions of this fold's training clips from inside this fold/);
  const none = evaluateRun({ ...input, inner: undefined as never });
  assert.equal(none.results.missing.length, 2 * input.splits.length);
});
