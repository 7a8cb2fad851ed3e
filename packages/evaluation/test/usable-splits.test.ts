import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CryfoldError } from '@cryfold/core';
import {
  leaveOneGroupOut,
  predefinedSplit,
  type Split,
  type SplitRequest,
  splitterOf,
  stratifiedGroupKFold,
  trainTestSplit,
  usableSplits,
} from '../src/index.js';

const sides = (splits: readonly Split[]) => splits.map(({ train, test }) => [[...train], [...test]]);
const tests = (splits: readonly Split[]) => splits.map((split) => [...split.test]);

/** Returns a request with groups that each contain a single class. Each group is given as a pair of class and size. */
function request(groups: readonly (readonly [label: number, size: number])[], folds: number): SplitRequest {
  const clips = groups.flatMap(([label, size], group) => Array.from({ length: size }, () => ({ label, group })));
  return {
    ...{ labels: Int32Array.from(clips, ({ label }) => label), groups: clips.map(({ group }) => `speaker ${group}`) },
    ...{ folds, repeats: 1, seed: 0 },
  };
}

const refused = (code: string, message: RegExp, hint: RegExp) => (error: unknown) => {
  assert.ok(error instanceof CryfoldError);
  assert.equal(error.code, code);
  assert.match(error.message, message);
  assert.match(error.hint ?? '', hint);
  return true;
};

test('LeaveOneGroupOut returns the same indices as scikit-learn, with groups ordered by code points', () => {
  assert.deepEqual(sides(leaveOneGroupOut(['b', 'a', '10', 'b', '9', 'é'])), [
    [[0, 1, 3, 4, 5], [2]],
    [[0, 1, 2, 3, 5], [4]],
    [[0, 2, 3, 4, 5], [1]],
    [
      [1, 2, 4, 5],
      [0, 3],
    ],
    [[0, 1, 2, 3, 4], [5]],
  ]);
  assert.throws(() => leaveOneGroupOut(['a', 'a']), refused('SPLIT_IMPOSSIBLE', /leave out one group/, /two groups/));
});

test('PredefinedSplit returns the same indices as scikit-learn, and never tests a clip without a fold', () => {
  const expected = [
    [[0, 1, 2, 3, 4, 5], [6]],
    [
      [0, 2, 4, 5, 6],
      [1, 3],
    ],
    [
      [1, 2, 3, 5, 6],
      [0, 4],
    ],
  ];
  assert.deepEqual(sides(predefinedSplit(['10', '2', '-1', '2', '10', '-1', '0'])), expected);
  assert.deepEqual(sides(predefinedSplit(['10', '2', '', '2', '10', '', '0'])), expected, 'numbers sort by value');
  assert.deepEqual(tests(predefinedSplit(['b', 'a10', 'a9'])), [[1], [2], [0]], 'text sorts by code point');
  for (const names of [
    ['a9', 'a10'],
    ['9a', '10a'],
    ['9', '10', 'a'],
  ])
    assert.deepEqual(tests(predefinedSplit(names)).slice(0, 2), [[1], [0]], `text sorts by code point: ${names}`);
  assert.deepEqual(
    predefinedSplit(['b', 'a']).map(({ repeat, fold }) => [repeat, fold]),
    [
      [0, 0],
      [0, 1],
    ],
  );
  assert.throws(() => predefinedSplit(['', '-1']), refused('SPLIT_IMPOSSIBLE', /no clip has a fold/, /`fold`/));
  const { split } = splitterOf('PredefinedSplit');
  const without = request([[0, 3]], 5);
  assert.throws(() => split(without), refused('SPLIT_IMPOSSIBLE', /does not specify/, /column `fold`/));
});

test('ShuffleSplit with one repeat equals train_test_split, by default 80:20', () => {
  const own = {
    ...request(
      [
        [0, 20],
        [1, 15],
      ],
      5,
    ),
    seed: 42,
  };
  const once = (name: 'ShuffleSplit' | 'StratifiedShuffleSplit') => sides(splitterOf(name).split(own));
  const { labels } = own;
  assert.deepEqual(once('ShuffleSplit'), sides([trainTestSplit(35, { testSize: 0.2, seed: 42 })]));
  assert.deepEqual(
    once('StratifiedShuffleSplit'),
    sides([trainTestSplit(35, { testSize: 0.2, seed: 42, stratify: labels })]),
  );
  assert.equal(splitterOf('ShuffleSplit').split({ ...own, testSize: 0.5 })[0].test.length, 18);
});

test('StratifiedGroupKFold with a single class and at least eight folds sums like numpy', () => {
  const groups = Array.from({ length: 17 }, (_, i) => `g${(i * i) % 14}`);
  assert.deepEqual(tests(stratifiedGroupKFold(new Array(17).fill(0), groups, { splits: 8 })), [
    ...[[0, 14], [5, 9], [4, 10], [2, 12, 16], [1, 13, 15], [7], [6, 8], [3, 11]],
  ]);
});

test('rejects a fold without a test clip, and suggests a number of folds that works', () => {
  // scikit-learn splits these groups into folds of 7, 2, 1, 0 and 9 clips (scikit-learn issue 34828).
  const speakers = [
    [0, 7],
    [0, 4],
    [0, 1],
    [1, 5],
    [1, 2],
  ] as const;
  const kind = splitterOf('StratifiedGroupKFold');
  const five = request(speakers, 5);
  assert.ok(kind.split(five).some((split) => split.test.length === 0));
  assert.throws(
    () => usableSplits(kind, five),
    refused('FOLD_EMPTY', /StratifiedGroupKFold makes 1 of 5 folds without a test clip: repeat 0 fold 3/, /Use 4/),
  );
  assert.equal(usableSplits(kind, request(speakers, 4)).length, 4, 'the suggestion in the hint works');
  assert.throws(() => usableSplits(kind, five, 'inside repeat 2 fold 1: '), /inside repeat 2 fold 1: Strat/);
});

test('rejects a fold that could train on only one class, or on nothing', () => {
  const lone = request(
    [
      [0, 5],
      [1, 4],
    ],
    2,
  );
  const message = /LeaveOneGroupOut makes 2 of 2 folds with training clips of a single class: repeat 0 fold 0, /;
  assert.throws(() => usableSplits(splitterOf('LeaveOneGroupOut'), lone), refused('FOLD_ONE_CLASS', message, /groups/));
  const all = { ...lone, predefined: new Array(9).fill('0') };
  const kind = splitterOf('PredefinedSplit');
  assert.throws(() => usableSplits(kind, all), refused('FOLD_EMPTY', /without a training clip/, /column `fold`/));
});

test('accepts splits in which only some folds train on a class', () => {
  const three = request(
    [
      [0, 5],
      [0, 4],
      [1, 4],
      [1, 3],
      [2, 2],
    ],
    5,
  );
  assert.equal(usableSplits(splitterOf('LeaveOneGroupOut'), three).length, 5);
});

test('lists at most four folds, and adds the location of the splits to errors about too few clips', () => {
  const single = request([[0, 12]], 6);
  assert.throws(
    () => usableSplits(splitterOf('KFold'), single),
    refused(
      'FOLD_ONE_CLASS',
      /^KFold makes 6 of 6 folds with training clips of a single class: (repeat 0 fold \d, ){3}repeat 0 fold 3 and 2 more$/,
      /^Add clips, or use a stratified splitter\.$/,
    ),
  );
  const context = (action: () => unknown) => {
    try {
      action();
    } catch (error) {
      assert.ok(error instanceof CryfoldError);
      return error;
    }
    assert.fail('the splits were accepted');
  };
  const { context: where } = context(() => usableSplits(splitterOf('KFold'), single));
  assert.deepEqual(where, { splitter: 'KFold', folds: 6, repeat: 0, fold: 0 });

  const tooMany = request([[0, 2]], 6);
  const plain = context(() => usableSplits(splitterOf('KFold'), tooMany));
  const placed = context(() => usableSplits(splitterOf('KFold'), tooMany, 'inside repeat 1 fold 2: '));
  assert.equal(plain.code, 'SPLIT_IMPOSSIBLE');
  assert.deepEqual(
    [placed.code, placed.message, placed.hint, placed.context],
    [plain.code, `inside repeat 1 fold 2: ${plain.message}`, plain.hint, plain.context],
  );
  assert.ok(placed.cause instanceof CryfoldError);
});

test('the hint about unusable folds fits the splitter', () => {
  const single = [
    [0, 6],
    [0, 6],
  ] as const;
  for (const [name, code, hint] of [
    ['StratifiedKFold', 'FOLD_ONE_CLASS', /^Add clips of the smallest class, or remove that class\.$/],
    ['ShuffleSplit', 'FOLD_ONE_CLASS', /^Add clips, or use a stratified splitter\.$/],
    ['GroupKFold', 'FOLD_ONE_CLASS', /^Add groups: each class needs clips of at least two groups/],
  ] as const)
    assert.throws(() => usableSplits(splitterOf(name), request(single, 2)), refused(code, /single class/, hint));
  // Both groups of the second class are large, so any way of keeping groups together leaves one fold without a test
  // clip.
  const empty = { ...request(single, 2), labels: Int32Array.from({ length: 12 }, (_, i) => i % 2) };
  const kind = {
    ...splitterOf('StratifiedGroupKFold'),
    split: () => [{ repeat: 1, fold: 2, train: Int32Array.of(0, 1), test: new Int32Array() }],
  };
  assert.throws(
    () => usableSplits(kind, empty),
    refused('FOLD_EMPTY', /repeat 1 fold 2$/, /^Add groups, or use GroupKFold, which never leaves a fold empty\.$/),
  );
});
