import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CryfoldError, Random } from '@cryfold/core';
import { distancesWith, pixelMoments, squaredDistances } from '../src/distances.js';
import { plainTile, simdTile } from '../src/dot-tile.js';

function noise(rows: number, columns: number, seed: number): Uint8Array {
  const random = new Random(seed);
  return Uint8Array.from({ length: rows * columns }, () => random.below(256));
}

/** Computes the distance directly from its definition, with BigInt to rule out rounding errors. */
function exact(images: Uint8Array, columns: number, i: number, j: number): bigint {
  let sum = 0n;
  for (let k = 0; k < columns; k++) sum += BigInt(images[i * columns + k] - images[j * columns + k]) ** 2n;
  return sum;
}

test('the WebAssembly SIMD kernel is available, so that the other tests cover it', () => {
  assert.ok(simdTile(1));
});

for (const [rows, columns] of [
  [1, 1],
  [3, 7],
  [5, 9],
  [67, 2048],
  [130, 2051],
  [9, 16200],
]) {
  test(`squared distances of ${rows} x ${columns} are exact, with and without SIMD`, () => {
    const images = noise(rows, columns, rows);
    const fast = squaredDistances(images, rows, columns);
    assert.ok(fast.data instanceof Int32Array);
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < rows; j++) {
        if ((i + j) % 3 === 0 || rows < 10) {
          assert.equal(BigInt(fast.data[i * rows + j]), exact(images, columns, i, j), `${i}, ${j}`);
        }
      }
    }
    assert.deepEqual(distancesWith(plainTile(rows), { pixels: images, columns }), fast);
  });
}

test('the largest possible distances do not overflow, on both sides of the int32 limit', () => {
  for (const [columns, type] of [
    [33025, Int32Array],
    [33026, Float64Array],
    [70000, Float64Array],
  ] as const) {
    const images = new Uint8Array(2 * columns).fill(255, columns);
    const { data } = squaredDistances(images, 2, columns);
    assert.ok(data instanceof type);
    assert.deepEqual([...data], [0, columns * 65025, columns * 65025, 0]);
  }
});

test('a matrix that is extended by new rows has the same bytes as one computed at once', () => {
  const [rows, columns] = [141, 300];
  const images = noise(rows, columns, 5);
  const whole = squaredDistances(images, rows, columns);
  for (const before of [1, 2, 63, 64, 66, 140, 141]) {
    const known = squaredDistances(images.subarray(0, before * columns), before, columns);
    assert.deepEqual(squaredDistances(images, rows, columns, known), whole, `${before} known`);
  }
});

test('reuses known rows instead of recomputing them', () => {
  const images = noise(6, 8, 1);
  const known = squaredDistances(images.subarray(0, 32), 4, 8);
  known.data.fill(-7);
  const { data } = squaredDistances(images, 6, 8, known);
  assert.equal(data[1], -7);
  assert.equal(BigInt(data[5]), exact(images, 8, 0, 5));
});

test('reports shapes that do not match with an error code', () => {
  const invalid = (error: unknown) => error instanceof CryfoldError && error.code === 'NPY_INVALID';
  assert.throws(() => squaredDistances(new Uint8Array(11), 3, 4), invalid);
  assert.throws(() => squaredDistances(new Uint8Array(0), 0, 4), invalid);
  assert.throws(() => pixelMoments(new Uint8Array(11), 3, 4), invalid);
  const known = squaredDistances(new Uint8Array(12), 3, 4);
  assert.throws(() => squaredDistances(new Uint8Array(8), 2, 4, known), invalid);
  assert.throws(() => squaredDistances(new Uint8Array(25), 5, 5, known), invalid);
});

test('moments are sums over each image', () => {
  const moments = pixelMoments(Uint8Array.of(1, 2, 3, 255, 0, 255), 2, 3);
  assert.deepEqual([...moments.sum], [6, 510]);
  assert.deepEqual([...moments.sumSquares], [14, 130050]);
});
