import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CryfoldError } from '@cryfold/core';
import {
  compareRuns,
  crossFitRows,
  decodeResults,
  evaluateRun,
  evidenceOf,
  findLeaks,
  groupKFold,
  groupsSpanning,
  kFold,
  predictionsOf,
  type RunResults,
  type RunSide,
  repeatedKFold,
} from '../src/index.js';

interface Shape {
  repeats?: number;
  folds?: number;
  hash?: string;
  hole?: boolean;
  /** Number of clips per group */
  groupSize?: number;
  /** Whether the model classifies either all or none of a group's clips correctly */
  together?: boolean;
}

/**
 * Returns a run of one model `m` on 100 clips of two classes. The model's predictions are wrong for the share `wrong`
 * of the clips.
 */
function side(wrong: number, shape: Shape = {}): RunSide {
  const { repeats = 4, folds = 5, hash = 'h', hole = false, groupSize = 1, together = false } = shape;
  const groupOf = (clip: number) => Math.floor(clip / groupSize);
  const clips = Array.from({ length: 100 }, (_, i) => ({ id: `${i}`, group: `${groupOf(i)}`, label: i % 2 }));
  const splits = repeatedKFold(100, { splits: folds, repeats, seed: 0 });
  const probabilities = splits.map((split, s) => {
    if (hole && s === 0) return null;
    // the errors are scattered over the clips, and differ from repeat to repeat
    const isWrong = (clip: number) =>
      ((together ? groupOf(clip) * groupSize : clip) * 37 + split.repeat * 11) % 100 < 100 * wrong;
    return Float64Array.from([...split.test].flatMap((i) => ((i % 2 === 0) !== isWrong(i) ? [0.9, 0.1] : [0.1, 0.9])));
  });
  const data = { classes: ['a', 'b'], clips, splits };
  const evaluated = evaluateRun({
    ...data,
    estimators: { m: { kind: 'svm' } },
    fusion: {},
    probabilities: new Map([['m', probabilities]]),
  });
  const results: RunResults = {
    format: 1,
    run: { id: `wrong-${wrong}`, name: 'r' },
    spec: {},
    dataset: { name: 'd', contentHash: hash, ...evaluated.dataset },
    protocol: { splitter: 'RepeatedKFold', seed: 0, ...evaluated.protocol },
    ...evaluated.results,
    environment: {},
  };
  const predictions = predictionsOf({}, evaluated.probabilities).get('m')!;
  return { results, model: 'm', predicted: { data, predictions } };
}

const results = (wrong: number, shape: Shape = {}): RunResults => side(wrong, shape).results;

const compare = (baseline: RunResults, candidate: RunResults) =>
  compareRuns({ results: baseline, model: 'm' }, { results: candidate, model: 'm' });

test('judges a clear difference as better or worse, and a run as the same as itself', () => {
  const [poor, good] = [results(0.3), results(0.1)];
  assert.equal(compare(poor, good).verdict, 'better');
  assert.equal(compare(good, poor).verdict, 'worse');
  assert.ok(Math.abs(compare(poor, good).test!.meanDifference - 0.2) < 1e-12);
  const { verdict, test: none, untested } = compare(good, good);
  assert.deepEqual([verdict, none, untested], ['same', null, 'no spread']);
  assert.equal(compare(results(0.11), good).verdict, 'same', 'one clip in a hundred is not evidence');
});

test('compares the repeats that both runs have', () => {
  assert.equal(compare(results(0.3, { repeats: 2 }), results(0.1, { repeats: 4 })).test!.folds, 10);
});

test('judges a run with a missing fold as incomplete, whatever its figures are', () => {
  assert.equal(compare(results(0.3), results(0.1, { hole: true })).verdict, 'incomplete');
  assert.equal(compare(results(0.3, { hole: true }), results(0.1)).verdict, 'incomplete');
});

test('decides by group if clips share groups, and does not count repeats as evidence', () => {
  const shape = { groupSize: 5, together: true, repeats: 1 };
  const [poor, good] = [side(0.4, shape), side(0.15, shape)];
  const found = compareRuns(poor, good);
  assert.equal(found.byGroup!.groups, 20);
  assert.ok(found.byGroup!.difference > 0 && found.byGroup!.pValue! > 0.05, `${found.byGroup!.pValue}`);
  assert.equal(found.verdict, 'same');
  assert.ok(found.test!.pValue < 0.05, 'the test over folds treats each clip and repeat as independent evidence');
  const clear = compareRuns(side(0.6, shape), side(0, shape));
  assert.equal(clear.verdict, 'better');
  assert.ok(clear.byGroup!.low! > 0);
});

test('reaches no verdict with few folds or groups, and judges equal runs as the same', () => {
  const few = compare(results(0.3, { folds: 4, repeats: 1 }), results(0.1, { folds: 4, repeats: 1 }));
  assert.deepEqual([few.verdict, few.test, few.untested], ['incomplete', null, 'too few folds']);
  assert.ok(Math.abs(few.meanDifference! - 0.2) < 1e-12, 'the difference is reported nevertheless');
  const shape = { groupSize: 20 };
  const groups = compareRuns(side(0.3, shape), side(0.1, shape));
  assert.deepEqual([groups.verdict, groups.byGroup!.groups, groups.untested], ['incomplete', 5, 'too few groups']);
});

test('decides by the metric, where a lower log-loss is better', () => {
  const [poor, good] = [side(0.3), side(0.1)];
  const found = compareRuns(poor, good, 0.05, 'logLoss');
  assert.deepEqual([found.verdict, found.metric], ['better', 'logLoss']);
  assert.ok(found.test!.meanDifference < 0);
  const shape = { groupSize: 2 };
  const grouped = compareRuns(side(0.3, shape), side(0.1, shape), 0.05, 'logLoss');
  assert.equal(grouped.verdict, 'better');
  assert.ok(grouped.byGroup!.difference < 0);
});

test('does not rely on the test over folds alone if clips share groups', () => {
  const shape = { groupSize: 2 };
  const [a, b] = [side(0.3, shape), side(0.1, shape)];
  const found = compareRuns({ ...a, predicted: undefined }, { ...b, predicted: undefined });
  assert.deepEqual([found.verdict, found.byGroup, found.test], ['incomplete', null, null]);
  const test = { meanDifference: 0.1, low: 0.05, high: 0.15, t: 4, pValue: 0.001, pHolm: 0.001 };
  const old = { a: 'a', b: 'b', folds: 10, test };
  assert.equal(evidenceOf(old as never, results(0.1)).pValue, 0.001);
  const { pValue, untested } = evidenceOf(old as never, a.results);
  assert.deepEqual([pValue, untested], [null, 'not tested by group']);
});

test('ignores p-values in older results if they come from two folds or from equal differences', () => {
  const test = { meanDifference: 0.1, low: 0.1, high: 0.1, t: null, pValue: 0, pHolm: 0 };
  const old = { a: 'a', b: 'b', folds: 10, test, mcNemar: { onlyA: 1, onlyB: 2, pValue: 1 } };
  const untold = (one: typeof old) => {
    const { difference, pHolm, untested } = evidenceOf(one, results(0.1));
    return [difference, pHolm, untested];
  };
  assert.deepEqual(untold(old), [0.1, null, 'no spread']);
  const two = { ...old, folds: 2, test: { ...test, t: 3, pValue: 0.2, pHolm: 0.2 } };
  assert.deepEqual(untold(two as never), [0.1, null, 'too few folds']);
  const r = results(0.1);
  const stored = { ...r, comparisons: [old] };
  assert.deepEqual(decodeResults(JSON.stringify(stored), 'results.json').comparisons, [old]);
});

test('refuses runs on different data, and runs without the requested model', () => {
  const refused = (message: RegExp, make: () => unknown) =>
    assert.throws(make, (error: unknown) => error instanceof CryfoldError && message.test(error.message));
  refused(/differ in data/, () => compare(results(0.3), results(0.1, { hash: 'other' })));
  const run = results(0.1);
  refused(/has no model x/, () => compareRuns({ results: run, model: 'm' }, { results: run, model: 'x' }));
});

test('the leak report lists groups, duplicates and absent classes, and is empty without leaks', () => {
  const clips = ['a', 'a', 'b', 'b', 'c', 'c'].map((group, i) => ({ id: `clip-${i}`, group, label: i < 5 ? 0 : 1 }));
  const groups = clips.map((clip) => clip.group);
  const at = (...test: number[]) => ({
    test: Int32Array.from(test),
    train: Int32Array.from(clips.keys()).filter((i) => !test.includes(i)),
  });
  const splits = [
    { repeat: 0, fold: 0, ...at(0, 2, 3) },
    { repeat: 0, fold: 1, ...at(1, 4, 5) },
  ];
  assert.deepEqual(groupsSpanning(splits[0], groups), ['a']);
  const leaks = findLeaks({ classes: ['x', 'y'], clips, splits, hashes: ['1', '2', '3', '4', '3', '6'] });
  assert.deepEqual(leaks, {
    groups: [{ mark: 'a', clips: ['clip-0', 'clip-1'], splits: 2 }],
    duplicates: [{ mark: '3', clips: ['clip-2', 'clip-4'], splits: 2 }],
    absentClasses: [
      { repeat: 0, fold: 0, side: 'test', label: 'y' },
      { repeat: 0, fold: 1, side: 'train', label: 'y' },
    ],
  });
  const whole = clips.map((clip) => ({ ...clip, label: 0 }));
  const none = { groups: [], duplicates: [], absentClasses: [] };
  assert.deepEqual(findLeaks({ classes: ['x'], clips: whole, splits: groupKFold(groups, { splits: 3 }) }), none);
});

test('cross-fitting takes the prediction of a training clip from the fold that tested it in the same repeat', () => {
  const labels = Array.from({ length: 20 }, (_, i) => i % 3);
  const splits = repeatedKFold(20, { splits: 4, repeats: 3, seed: 1 });
  // the probabilities identify their clip and repeat
  const member = splits.map((split) => Float64Array.from([...split.test].flatMap((i) => [i, split.repeat])));
  for (const [s, split] of splits.entries()) {
    const training = crossFitRows({ splits, members: [member, member], labels, classes: 2 }, s)!;
    assert.equal(training.members.length, 2);
    assert.deepEqual(
      Array.from(training.members[1]),
      [...split.train].flatMap((clip) => [clip, split.repeat]),
    );
    assert.deepEqual(
      Array.from(training.labels),
      [...split.train].map((clip) => labels[clip]),
    );
  }
  const holed = member.map((matrix, s) => (s === 1 ? null : matrix));
  const withHole = { splits, members: [member, holed], labels, classes: 2 };
  assert.equal(crossFitRows(withHole, 0), null);
  assert.ok(crossFitRows(withHole, 1), 'the missing fold is not among its own training rows');
  const partial = { splits: kFold(20, { splits: 4 }).slice(0, 2), members: [member], labels, classes: 2 };
  assert.equal(crossFitRows(partial, 0), null);
});
