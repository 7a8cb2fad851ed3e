import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '@cryfold/core';
import { squaredDistances } from '@cryfold/svm';
import type { Artifacts, TrainingData } from '../src/engine.js';
import { readGram, writeGram } from '../src/svm/gram.js';
import { gramKeys } from '../src/svm/gram-keys.js';

const SHAPE = [4, 5, 3];
const COLUMNS = 60;
const random = new Random(1);
const image = () => Uint8Array.from({ length: COLUMNS }, () => random.below(256));
const pool = Array.from({ length: 30 }, image);

function dataOf(featureKey: string, images: Uint8Array[]): TrainingData & { images: Uint8Array } {
  const data = Uint8Array.from(images.flatMap((one) => [...one]));
  const features = async () => ({ shape: [images.length, ...SHAPE], data });
  const labels = new Int32Array(images.length);
  return { classes: [], labels, groups: [], featureKey, features, images: data };
}

function memory(): Artifacts & { stored: Map<string, Uint8Array> } {
  const stored = new Map<string, Uint8Array>();
  return {
    stored,
    get: async (key) => stored.get(key),
    open: async () => undefined,
    put: async (key, bytes) => {
      stored.set(key, bytes);
    },
  };
}

test('a corpus that grew, shrank or was reordered reuses its shared rows, and distances stay exact', async () => {
  const artifacts = memory();
  const cases: [string, Uint8Array[], number][] = [
    ['first', pool.slice(0, 20), 0],
    ['between', [...pool.slice(20, 25), ...pool.slice(0, 10), pool[25], ...pool.slice(10, 20)], 20],
    ['fewer', pool.slice(3, 12).reverse(), 9],
    ['twice', [pool[3], pool[3], pool[4], pool[29], pool[4]], 2],
    ['other', pool.slice(26, 29), 0],
  ];
  for (const [name, images, reused] of cases) {
    const data = dataOf(name, images);
    assert.equal(await writeGram(artifacts, data), reused, name);
    const gram = await readGram(artifacts, name);
    assert.deepEqual(gram.distances.data, squaredDistances(data.images, images.length, COLUMNS).data, name);
    assert.equal(gram.columns, COLUMNS);
    assert.equal(
      gram.moments.sum[0],
      images[0].reduce((sum, pixel) => sum + pixel, 0),
    );
  }
});

test('ignores a missing or damaged Gram matrix without an error', async () => {
  const artifacts = memory();
  await writeGram(artifacts, dataOf('other', pool.slice(26, 29)));
  artifacts.stored.set(gramKeys('other').gram, new TextEncoder().encode('damaged'));
  assert.equal(await writeGram(artifacts, dataOf('again', pool.slice(26, 30))), 0);
  artifacts.stored.delete(gramKeys('again').gram);
  assert.equal(await writeGram(artifacts, dataOf('third', pool.slice(26, 30))), 0);
});
