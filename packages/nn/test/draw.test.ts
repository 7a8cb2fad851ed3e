import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '@cryfold/core';
import { type Augmentation, stepsOf } from '../src/augment/augmentation.js';
import { drawAugmentation, symmetricBeta } from '../src/augment/draw.js';

const [examples, height, width] = [200, 40, 50];
const draw = (augment: Augmentation, seed = 1) =>
  drawAugmentation(augment, { examples, height, width }, new Random(seed));

/** The lengths of the runs of zeros in each row. */
function masksOf(data: ArrayLike<number>, size: number): number[][] {
  return Array.from({ length: examples }, (_, row) => {
    const text = Array.from({ length: size }, (_, i) => data[row * size + i]).join('');
    return [...text.matchAll(/0+/g)].map(([run]) => run.length);
  });
}

test('masks can have any size up to their share of a side of the image', () => {
  const { rowsKept, columnsKept } = draw({ timeMask: 0.3, frequencyMask: 0.25 });
  for (const [{ data }, size, longest] of [
    [rowsKept, height, 10],
    [columnsKept, width, 15],
  ] as const) {
    const masks = masksOf(data, size);
    assert.ok(masks.every((runs) => runs.length <= 1));
    const lengths = new Set(masks.map(([length = 0]) => length));
    assert.deepEqual(
      [...lengths].sort((a, b) => a - b),
      Array.from({ length: longest + 1 }, (_, i) => i),
    );
  }
});

test('several masks hide at most the sum of their sizes, and each side can be masked separately', () => {
  const { rowsKept, columnsKept } = draw({ timeMask: 0.2, masks: 3 });
  assert.ok(rowsKept.data.every((kept) => kept === 1));
  const hidden = masksOf(columnsKept.data, width).map((runs) => runs.reduce((sum, length) => sum + length, 0));
  assert.ok(Math.max(...hidden) <= 30 && Math.max(...hidden) > 10, `${Math.max(...hidden)}`);
});

test('a shift rotates the columns by at most its share of the width, in either direction', () => {
  const { columns } = draw({ timeShift: 0.1 });
  const shifts = new Set<number>();
  for (let row = 0; row < examples; row++) {
    const own = columns.data.subarray(row * width, (row + 1) * width);
    shifts.add(own[0]);
    assert.ok(own.every((column, i) => column === (own[0] + i) % width));
  }
  assert.deepEqual(
    [...shifts].sort((a, b) => a - b),
    [0, 1, 2, 3, 4, 5, 45, 46, 47, 48, 49],
  );
});

test('gain and noise are within their limits, and an example keeps at least half of the weight in a mix', () => {
  const { gain, noise, shares, partners } = draw({ gain: 6, noise: 0.5, mixup: 0.4 });
  assert.ok(gain.data.every((decibels) => Math.abs(decibels) <= 6));
  assert.ok(Math.max(...gain.data) > 5 && Math.min(...gain.data) < -5);
  assert.ok(noise.data.every((power) => power >= 0 && power <= 0.25));
  assert.ok(Math.max(...noise.data) > 0.2);
  assert.ok(shares.data.every((share) => share >= 0.5 && share <= 1));
  assert.deepEqual(
    [...partners.data].sort((a, b) => a - b),
    Array.from({ length: examples }, (_, i) => i),
  );
});

test('equal seeds draw equal changes, different seeds different ones', () => {
  const all = { timeShift: 0.2, gain: 6, noise: 0.1, timeMask: 0.2, frequencyMask: 0.2, masks: 2, mixup: 0.2 };
  assert.deepEqual(draw(all), draw(all));
  for (const name of Object.keys(draw(all))) assert.notDeepEqual(draw(all, 2)[name], draw(all)[name], name);
});

test('no random numbers are drawn for augmentation settings that are absent or 0', () => {
  const none = { timeShift: 0, gain: 0, noise: 0, timeMask: 0, frequencyMask: 0, mixup: 0, masks: 2 };
  for (const augment of [{}, none, { timeMask: 0.5, masks: 0 }]) {
    assert.equal(stepsOf(augment).any, false);
    assert.deepEqual(draw(augment), {});
  }
});

test('shares have the mean and variance of Beta(a, a), even for small a', () => {
  const random = new Random(3);
  const count = 20_000;
  for (const alpha of [1e-3, 0.2, 1, 4]) {
    const values = Array.from({ length: count }, () => symmetricBeta(alpha, random));
    assert.ok(values.every((value) => value >= 0 && value <= 1));
    const mean = values.reduce((sum, value) => sum + value, 0) / count;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count;
    const expected = 1 / (4 * (2 * alpha + 1));
    assert.ok(Math.abs(mean - 0.5) < 5 * Math.sqrt(expected / count), `mean ${mean} for ${alpha}`);
    assert.ok(Math.abs(variance - expected) < 0.03 * expected, `variance ${variance}, not ${expected}, for ${alpha}`);
  }
});
