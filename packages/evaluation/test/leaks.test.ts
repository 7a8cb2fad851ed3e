import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leakHeadline, summariseLeaks } from '../src/index.js';

const clips = ['a', 'a', 'b', 'c', 'd', 'e'].map((group, i) => ({ id: `${i}`, group }));
const split = (fold: number, train: number[], test: number[]) => ({
  ...{ repeat: 0, fold },
  train: Int32Array.from(train),
  test: Int32Array.from(test),
});

test('counts only the sounds and groups that are on both sides of a split', () => {
  const splits = [split(0, [0, 1, 2, 4], [3, 5]), split(1, [1, 2, 3], [0, 4])];
  // Clips 2 and 3 are separated once, 0 and 4 never, and 4 and 5 once.
  assert.deepEqual(
    summariseLeaks({
      clips,
      splits,
      sounds: [
        [2, 3],
        [4, 5],
      ],
    }),
    {
      ...{ sounds: 2, clips: 4, groups: 1, splits: 2 },
      examples: [
        { clips: ['2', '3'], splits: 1 },
        { clips: ['4', '5'], splits: 1 },
      ],
    },
  );
  const apart = summariseLeaks({
    clips,
    splits: [split(0, [0, 1, 2, 3], [4, 5])],
    sounds: [
      [2, 3],
      [4, 5],
    ],
  });
  assert.deepEqual(apart, { sounds: 0, clips: 0, groups: 0, splits: 1, examples: [] });
});

test('lists at most ten sounds with four clips each, starting with the sounds in most splits', () => {
  const many = Array.from({ length: 48 }, (_, i) => ({ id: `${i}`, group: `${i}` }));
  const sounds = Array.from({ length: 8 }, (_, s) => Array.from({ length: 6 }, (_, i) => 6 * s + i));
  const test = sounds.map(([first]) => first);
  const all = split(
    0,
    [...many.keys()].filter((i) => !test.includes(i)),
    test,
  );
  const once = split(1, [43], [42]);
  const { examples, sounds: count, clips: own } = summariseLeaks({ clips: many, splits: [all, once], sounds });
  assert.equal(count, 8);
  assert.equal(own, 48);
  assert.deepEqual(examples[0], { clips: ['42', '43', '44', '45'], splits: 2 });
  assert.ok(examples.every(({ clips: named }) => named.length === 4));
});

test('the headline reports leaks, and is undefined if there is no leak', () => {
  const unknown = leakHeadline({ sounds: 0, groups: 2 }, false);
  assert.equal(unknown, '2 recordings are in both train and test: these figures are inflated.');
  const headline = (sounds: number, groups: number) => leakHeadline({ sounds, groups });
  assert.equal(headline(293, 0), '293 sounds are in both train and test: these figures are inflated.');
  assert.equal(headline(1, 0), '1 sound is in both train and test: these figures are inflated.');
  assert.equal(headline(2, 1), '2 sounds and 1 group are in both train and test: these figures are inflated.');
  assert.equal(headline(0, 69), '69 groups are in both train and test: these figures are inflated.');
  assert.equal(headline(0, 0), undefined);
  assert.equal(leakHeadline(undefined), undefined);
});
