import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type ArtifactStore, openStore } from '@cryfold/artifacts';
import { encodeNpy, Random, storeKeys } from '@cryfold/core';
import { squaredDistances } from '@cryfold/svm';
import { readGram, writeGram } from '../src/gram.js';

const root = await mkdtemp(join(tmpdir(), 'cryfold-gram-'));
after(() => rm(root, { recursive: true }));

const SHAPE = [4, 5, 3];
const COLUMNS = 60;
const random = new Random(1);
const image = () => Uint8Array.from({ length: COLUMNS }, () => random.below(256));
const pool = Array.from({ length: 30 }, image);

async function corpus(store: ArtifactStore, features: string, images: Uint8Array[]): Promise<Uint8Array> {
  const data = Uint8Array.from(images.flatMap((one) => [...one]));
  await store.put(storeKeys.images(features), encodeNpy(data, [images.length, ...SHAPE]));
  return data;
}

test('a corpus that grew, shrank or was reordered reuses the rows it shares, exactly', async () => {
  const store = openStore(`file:${join(root, 'store')}`);
  const cases: [string, Uint8Array[], number][] = [
    ['first', pool.slice(0, 20), 0],
    ['between', [...pool.slice(20, 25), ...pool.slice(0, 10), pool[25], ...pool.slice(10, 20)], 20],
    ['fewer', pool.slice(3, 12).reverse(), 9],
    ['twice', [pool[3], pool[3], pool[4], pool[29], pool[4]], 2],
    ['other', pool.slice(26, 29), 0],
  ];
  for (const [name, images, reused] of cases) {
    const data = await corpus(store, name, images);
    assert.equal(await writeGram(store, name), reused, name);
    const gram = await readGram(store, name);
    assert.deepEqual(gram.distances.data, squaredDistances(data, images.length, COLUMNS).data, name);
    assert.equal(gram.columns, COLUMNS);
    assert.equal(
      gram.moments.sum[0],
      images[0].reduce((sum, pixel) => sum + pixel, 0),
    );
  }
  // What was written last is lost or damaged: computed again, no error.
  await writeFile(join(root, 'store', storeKeys.gram('other')), 'damaged');
  await corpus(store, 'again', pool.slice(26, 30));
  assert.equal(await writeGram(store, 'again'), 0);
});
