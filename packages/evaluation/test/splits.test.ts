import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CryfoldError } from '@cryfold/core';
import {
  groupKFold,
  kFold,
  RandomState,
  repeatedGroupKFold,
  repeatedKFold,
  repeatedStratifiedGroupKFold,
  repeatedStratifiedKFold,
  repeatSeed,
  type Split,
  shuffleSplit,
  stratifiedGroupKFold,
  stratifiedKFold,
  trainTestSplit,
} from '../src/index.js';

const GOLDEN = new URL('../../test/goldens/splits.json', import.meta.url);

interface Case {
  splitter: string;
  n: number;
  splits: number;
  repeats: number;
  shuffle: boolean;
  testSize: number;
  stratify?: boolean;
  classes: number;
  groups: number;
  digests: string;
  'seed 42'?: [number[], number[]][];
}

const { seeds, cases, randomState } = JSON.parse(readFileSync(GOLDEN, 'utf8')) as {
  seeds: number[];
  cases: Case[];
  randomState: { randint: number[]; permutation: string }[];
};

/** The same linear congruential generator as in scripts/goldens/splits.py. */
function labelsAndGroups(n: number, classes: number, groups: number): { labels: number[]; names: string[] } {
  let x = n;
  const draw = (bound: number) => {
    x = (Math.imul(1664525, x) + 1013904223) >>> 0;
    return Math.floor(bound * ((x >>> 8) / 2 ** 24) ** 2);
  };
  const labels: number[] = [];
  const names: string[] = [];
  for (let i = 0; i < n; i++) {
    labels.push(draw(classes));
    names.push(`g${draw(groups)}`);
  }
  return { labels, names };
}

function digest(splits: Split[]): string {
  const hash = createHash('sha256');
  for (const { train, test } of splits) hash.update(new Uint8Array(train.buffer)).update(new Uint8Array(test.buffer));
  return hash.digest('hex').slice(0, 12);
}

function make(c: Case, seed: number): Split[] {
  const { n, splits, repeats, shuffle, testSize } = c;
  const { labels, names } = labelsAndGroups(n, c.classes, c.groups);
  const stratify = c.stratify ? { stratify: labels } : {};
  switch (c.splitter) {
    case 'kFold':
      return kFold(n, { splits, shuffle, seed });
    case 'repeatedKFold':
      return repeatedKFold(n, { splits, repeats, seed });
    case 'trainTestSplit':
      return [trainTestSplit(n, { testSize, seed, ...stratify })];
    case 'shuffleSplit':
      return shuffleSplit(n, { testSize, seed, repeats, ...stratify });
    case 'stratifiedKFold':
      return stratifiedKFold(labels, { splits, shuffle, seed });
    case 'repeatedStratifiedKFold':
      return repeatedStratifiedKFold(labels, { splits, repeats, seed });
    case 'groupKFold':
      return groupKFold(names, { splits, shuffle, seed });
    case 'stratifiedGroupKFold':
      return stratifiedGroupKFold(labels, names, { splits, shuffle, seed });
    default:
      throw new Error(`no such splitter: ${c.splitter}`);
  }
}

for (const splitter of new Set(cases.map((c) => c.splitter))) {
  test(`${splitter} returns the same indices as scikit-learn for ${seeds.length} seeds`, () => {
    for (const c of cases.filter((other) => other.splitter === splitter)) {
      const { digests, 'seed 42': whole, ...about } = c;
      const expected = digests.split(' ');
      assert.equal(expected.length, seeds.length);
      if (whole) {
        const ours = make(c, 42).map((split) => [Array.from(split.train), Array.from(split.test)]);
        assert.deepEqual(ours, whole, JSON.stringify(about));
      }
      seeds.forEach((seed, i) => {
        assert.equal(digest(make(c, seed)), expected[i], `${JSON.stringify(about)}, seed ${seed}`);
      });
    }
  });
}

test('RandomState draws the same integers and permutations as numpy', () => {
  seeds.forEach((seed, i) => {
    const random = new RandomState(seed);
    const draws = [2 ** 32, 1, 2, 3, 10, 1000, 65536, 65537, 2 ** 31, 2 ** 31 + 1].map((bound) =>
      random.randint(bound),
    );
    assert.deepEqual(draws, randomState[i].randint, `seed ${seed}`);
    const order = random.permutation(700);
    const hash = createHash('sha256').update(new Uint8Array(order.buffer)).digest('hex').slice(0, 16);
    assert.equal(hash, randomState[i].permutation, `seed ${seed}`);
  });
});

test('RandomState rejects the same seeds as numpy', () => {
  for (const seed of [-1, 0.5, 2 ** 32, Number.NaN]) assert.throws(() => new RandomState(seed), RangeError);
});

/**
 * Checks that every clip is tested exactly once per repeat, and that each split trains on all clips that it does not
 * test.
 */
function checkPartition(splits: Split[], n: number, folds: number, about: string): void {
  const repeats = splits.length / folds;
  for (let repeat = 0; repeat < repeats; repeat++) {
    const tested = new Int32Array(n);
    for (let fold = 0; fold < folds; fold++) {
      const split = splits[repeat * folds + fold];
      assert.deepEqual([split.repeat, split.fold], [repeat, fold], about);
      const both = [...split.train, ...split.test].sort((a, b) => a - b);
      assert.deepEqual(
        both,
        Array.from({ length: n }, (_, i) => i),
        `${about}: disjoint and complete`,
      );
      for (const i of split.test) tested[i]++;
    }
    assert.ok(
      tested.every((times) => times === 1),
      `${about}: each clip is tested once`,
    );
  }
}

test('k-fold splits are disjoint, complete and even, keep groups together, and keep the share of each class', () => {
  const random = new RandomState(1);
  for (let round = 0; round < 60; round++) {
    const splits = 2 + random.randint(6);
    const n = splits + random.randint(200);
    const seed = random.randint(2 ** 32);
    const labels = Array.from({ length: n }, () => random.randint(4));
    const groups = Array.from({ length: n }, (_, i) => (i < splits ? i : random.randint(splits * 4)));
    const shuffle = round % 2 === 0;
    const about = `n ${n}, ${splits} folds, seed ${seed}, shuffle ${shuffle}`;

    const sizes = (all: Split[]) => all.map((split) => split.test.length);
    const plain = repeatedKFold(n, { splits, repeats: 2, seed });
    checkPartition(plain, n, splits, `repeatedKFold ${about}`);
    checkPartition(kFold(n, { splits, shuffle, seed }), n, splits, `kFold ${about}`);
    assert.ok(Math.max(...sizes(plain)) - Math.min(...sizes(plain)) <= 1, `sizes, ${about}`);

    const grouped = groupKFold(groups, { splits, shuffle, seed });
    checkPartition(grouped, n, splits, `groupKFold ${about}`);
    const inTrain = (split: Split) => new Set(Array.from(split.train, (i) => groups[i]));
    for (const split of grouped) assert.ok(!split.test.some((i) => inTrain(split).has(groups[i])), `whole, ${about}`);

    const counts = [0, 1, 2, 3].map((label) => labels.filter((other) => other === label).length);
    if (Math.max(...counts) < splits) continue;
    const both = stratifiedGroupKFold(labels, groups, { splits, shuffle, seed });
    checkPartition(both, n, splits, `stratifiedGroupKFold ${about}`);
    for (const split of both) assert.ok(!split.test.some((i) => inTrain(split).has(groups[i])), `whole, ${about}`);
    const stratified = stratifiedKFold(labels, { splits, shuffle, seed });
    checkPartition(stratified, n, splits, `stratifiedKFold ${about}`);
    for (const split of stratified) {
      counts.forEach((count, label) => {
        const here = Array.from(split.test).filter((i) => labels[i] === label).length;
        assert.ok(Math.abs(here - count / splits) < 1, `class ${label} has ${here} of ${count}, ${about}`);
      });
    }
  }
});

test('shuffle splits are disjoint and complete, and stratified ones keep class shares to within one clip', () => {
  const random = new RandomState(2);
  for (let round = 0; round < 40; round++) {
    const n = 20 + random.randint(300);
    const labels = Array.from({ length: n }, (_, i) => (i < 6 ? i % 3 : random.randint(3)));
    const testSize = round % 2 ? 0.05 + random.randint(80) / 100 : 3 + random.randint(n - 6);
    const expected = testSize < 1 ? Math.ceil(testSize * n) : testSize;
    if (n - expected < 3) continue;
    for (const stratify of [undefined, labels]) {
      const split = trainTestSplit(n, { testSize, seed: round, ...(stratify && { stratify }) });
      assert.equal(split.test.length, expected);
      assert.deepEqual(
        [...split.train, ...split.test].sort((a, b) => a - b),
        Array.from({ length: n }, (_, i) => i),
      );
      if (!stratify) continue;
      for (const label of [0, 1, 2]) {
        const total = labels.filter((other) => other === label).length;
        const here = Array.from(split.test).filter((i) => labels[i] === label).length;
        assert.ok(Math.abs(here - (total * expected) / n) <= 1, `class ${label}: ${here} of ${total}, n ${n}`);
      }
    }
  }
});

test('with a seed per repeat, any repeat can be generated on its own', () => {
  const all = repeatedKFold(57, { splits: 5, repeats: 10, seed: 3, seedPerRepeat: true });
  const seventh = kFold(57, { splits: 5, shuffle: true, seed: repeatSeed(3, 7) });
  assert.equal(digest(all.filter((split) => split.repeat === 7)), digest(seventh));
  assert.equal(new Set(Array.from({ length: 10 }, (_, repeat) => repeatSeed(3, repeat))).size, 10);
});

test('repeated grouped folds equal the grouped folds for the seed of each repeat', () => {
  const { labels, names } = labelsAndGroups(120, 4, 30);
  const options = { splits: 5, repeats: 3, seed: 8 };
  const plain = repeatedGroupKFold(names, options);
  const stratified = repeatedStratifiedGroupKFold(labels, names, options);
  for (const all of [plain, stratified]) checkPartition(all, 120, 5, 'repeated groups');
  for (let repeat = 0; repeat < 3; repeat++) {
    const alone = { splits: 5, shuffle: true, seed: repeatSeed(8, repeat) };
    const own = (all: Split[]) => digest(all.filter((split) => split.repeat === repeat));
    assert.equal(own(plain), digest(groupKFold(names, alone)));
    assert.equal(own(stratified), digest(stratifiedGroupKFold(labels, names, alone)));
  }
});

test('an error about an impossible split has a hint and a message with the relevant numbers', () => {
  const impossible = (message: RegExp, make: () => unknown) =>
    assert.throws(make, (error: unknown) => {
      assert.ok(error instanceof CryfoldError);
      assert.equal(error.code, 'SPLIT_IMPOSSIBLE');
      assert.match(error.message, message);
      assert.ok(error.hint);
      return true;
    });
  impossible(/5 folds from 4 clips/, () => kFold(4, { splits: 5 }));
  impossible(/1 folds: at least 2/, () => kFold(4, { splits: 1 }));
  impossible(/2\.5 folds/, () => kFold(4, { splits: 2.5 }));
  impossible(/repeat 0 times/, () => repeatedKFold(10, { splits: 2, repeats: 0 }));
  impossible(/largest class has 2 clips/, () => stratifiedKFold([0, 0, 1, 1, 2], { splits: 3 }));
  impossible(/largest class has 2 clips/, () => stratifiedGroupKFold([0, 0, 1, 1], [1, 2, 3, 4], { splits: 3 }));
  impossible(/3 folds from 2 groups/, () => groupKFold(['a', 'a', 'b', 'b'], { splits: 3 }));
  impossible(/3 folds from 2 groups/, () => stratifiedGroupKFold([0, 0, 0, 1], ['a', 'a', 'b', 'b'], { splits: 3 }));
  for (const testSize of [0, -1, 10, 11, 1.5, 0.99, Number.NaN]) {
    impossible(/test set of/, () => trainTestSplit(10, { testSize }));
  }
  impossible(/only one clip/, () => trainTestSplit(5, { testSize: 2, stratify: [0, 0, 0, 0, 1] }));
  impossible(/2 classes into 5 training and 1 test/, () =>
    trainTestSplit(6, { testSize: 1, stratify: [0, 0, 0, 1, 1, 1] }),
  );
});

test('the context of an error about an impossible split contains the relevant numbers', () => {
  for (const [split, context] of [
    [() => kFold(10, { splits: 1 }), { splits: 1 }],
    [() => kFold(2, { splits: 3 }), { splits: 3, clips: 2 }],
    [() => groupKFold(['a', 'a', 'b'], { splits: 3 }), { splits: 3, groups: 2 }],
    [() => stratifiedKFold([0, 0, 1], { splits: 3 }), { splits: 3, largestClass: 2 }],
    [() => stratifiedGroupKFold([0, 0, 1], ['a', 'b', 'c'], { splits: 3 }), { splits: 3, largestClass: 2 }],
    [() => trainTestSplit(1, { testSize: 0.5, seed: 0 }), { testSize: 0.5, clips: 1 }],
    [
      () => trainTestSplit(9, { testSize: 2, seed: 0, stratify: [0, 1, 2, 0, 1, 2, 0, 1, 2] }),
      { classes: 3, train: 7, test: 2 },
    ],
  ] as const) {
    assert.throws(split, (error) => {
      assert.ok(error instanceof CryfoldError, String(error));
      assert.deepEqual([error.code, error.context], ['SPLIT_IMPOSSIBLE', context]);
      return true;
    });
  }
});

test('splitters order numeric groups by value', () => {
  const tests = (groups: number[] | string[]) => groupKFold(groups, { splits: 2 }).map((split) => [...split.test]);
  // Values of sklearn.model_selection.GroupKFold(2)
  assert.deepEqual(tests([10, 9, 2, 10, 9, 2]), [
    [0, 2, 3, 5],
    [1, 4],
  ]);
  assert.deepEqual(tests(['10', '9', '2', '10', '9', '2']), [
    [0, 1, 3, 4],
    [2, 5],
  ]);
});

// sha256 of the test clips of sklearn.model_selection.StratifiedGroupKFold as JSON.
test('folds of a single class equal scikit-learn’s, even where numpy sums in blocks of 128', () => {
  const groups = Array.from({ length: 400 }, (_, i) => `g${String((i * i) % 383).padStart(3, '0')}`);
  for (const [splits, hash] of [
    [8, '68151a322bd538e58fb9f7171000883b7c046a6141ae1059e5fb03044372c399'],
    [130, '41124d69f69fff486b6ccb54666d001cb7ea0cad121c022a45121f940508101a'],
    [150, '0d5f5334639140df27195b7db46eeaaba7bbd46e34840ef5a1a82b3f835cfa8e'],
  ] as const) {
    const tests = stratifiedGroupKFold(new Array(400).fill(0), groups, { splits }).map((split) => [...split.test]);
    assert.equal(createHash('sha256').update(JSON.stringify(tests)).digest('hex'), hash, `${splits}`);
  }
});
