import assert from 'node:assert/strict';
import { test } from 'node:test';
import { innerFolds } from '../src/svm/inner-folds.js';

const groups = Array.from({ length: 60 }, (_, i) => `speaker ${i % 12}`);
const labels = Int32Array.from(groups, (_, i) => i % 3);
const train = Int32Array.from({ length: 48 }, (_, i) => i + 12);

test('inner folds keep groups together if the protocol does, and are stratified either way', () => {
  for (const own of [undefined, groups]) {
    const { folds, note } = innerFolds(labels, train, 4, own);
    assert.ok(folds && note === undefined);
    assert.deepEqual(new Set(folds), new Set([0, 1, 2, 3, 4]));
    const foldsOf = new Map<string, Set<number>>();
    train.forEach((clip, row) => {
      foldsOf.set(groups[clip], (foldsOf.get(groups[clip]) ?? new Set()).add(folds[row]));
    });
    const torn = [...foldsOf.values()].filter((seen) => seen.size > 1).length;
    assert.equal(torn, own ? 0 : 12);
    for (const fold of own ? [] : [0, 1, 2, 3, 4]) {
      const counts = [0, 0, 0];
      folds.forEach((f, row) => {
        if (f === fold) counts[labels[train[row]]]++;
      });
      assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, `fold ${fold}: ${counts}`);
    }
  }
});

test('makes fewer inner folds if there are fewer groups', () => {
  const three = groups.map((_, i) => `speaker ${i % 3}`);
  assert.equal(new Set(innerFolds(labels, train, 4, three).folds).size, 3);
});

test('calibrates without groups if there is only one group, and notes this in the results', () => {
  const { folds, note } = innerFolds(
    labels,
    train,
    4,
    groups.map(() => 'one speaker'),
  );
  assert.deepEqual(folds, innerFolds(labels, train, 4).folds);
  assert.match(note ?? '', /without regard to groups/);
});

test('does not calibrate classes with one training clip each, and notes this in the results', () => {
  const three = Int32Array.of(12, 13, 14);
  for (const own of [undefined, groups, groups.map(() => 'one speaker')]) {
    const { folds, note } = innerFolds(labels, three, 4, own);
    assert.equal(folds, undefined);
    assert.match(note ?? '', /not calibrated/);
  }
});

test('notes a class with a single training clip in the results, with and without groups', () => {
  // Two classes with many clips, and a third class with a single clip.
  const rows = Int32Array.from([...train].filter((row) => labels[row] !== 2 || row === 14));
  assert.equal([...rows].filter((row) => labels[row] === 2).length, 1);
  for (const own of [undefined, groups]) {
    const { folds, note } = innerFolds(labels, rows, 4, own);
    assert.ok(folds);
    assert.match(
      note ?? '',
      /^the probabilities are unreliable, since a class has a single training clip: predictions/,
    );
  }
  const one = innerFolds(
    labels,
    rows,
    4,
    groups.map(() => 'one speaker'),
  );
  assert.match(
    one.note ?? '',
    /without regard to groups.*; the probabilities are unreliable, since a class has a single/,
  );
});

test('notes in the results that all groups of a class are in one inner fold', () => {
  const { folds, note } = innerFolds(Int32Array.of(0, 1, 0, 1), Int32Array.of(0, 1, 2, 3), 19460, ['a', 'a', 'b', 'c']);
  assert.deepEqual(
    [...folds!],
    [0, 0, 0, 1],
    'the machine that predicts class 0 (groups a and b) was trained on group c alone',
  );
  assert.match(note ?? '', /all training clips of a class are in one inner fold/);
});

test('notes in the results that a class has only one group, so that its calibration never saw the class', () => {
  const own = groups.map((group, i) => (labels[i] === 2 ? 'one speaker' : `${labels[i]} ${group}`));
  const { folds, note } = innerFolds(labels, train, 4, own);
  assert.ok(folds);
  assert.match(note ?? '', /unreliable/);
});
