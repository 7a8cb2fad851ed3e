import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { CryfoldError, sha256 } from '@cryfold/core';
import type { ArtifactStore } from '../src/index.js';

const bytes = (text: string) => new TextEncoder().encode(text);

async function keys(store: ArtifactStore, prefix: string): Promise<string[]> {
  const found: string[] = [];
  for await (const key of store.list(prefix)) found.push(key);
  return found;
}

/** Splits content into pieces whose size does not divide the part size. */
async function* pieces(content: Uint8Array, failure?: Error): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < content.length; i += 99_999) yield content.subarray(i, i + 99_999);
  if (failure) throw failure;
}

/** More bytes than fit into one request of an S3 store. */
const LARGE = 17 * 2 ** 20;

/** The contract of every ArtifactStore. Each test gets a fresh, empty store. */
export function describeArtifactStore(name: string, create: () => Promise<ArtifactStore>): void {
  test(`${name}: returns what was put, otherwise undefined`, async () => {
    const store = await create();
    assert.equal(await store.get('a/b'), undefined);
    assert.equal(await store.has('a/b'), false);
    await store.put('a/b', bytes('one'));
    assert.deepEqual(new Uint8Array((await store.get('a/b'))!), bytes('one'));
    assert.equal(await store.has('a/b'), true);
    await store.put('a/b', bytes('two'));
    assert.deepEqual(new Uint8Array((await store.get('a/b'))!), bytes('two'));
    const found = await store.stat('a/b');
    assert.equal(found?.bytes, 3);
    assert.ok(Math.abs(found.modified.getTime() - Date.now()) < 60_000);
    assert.equal(await store.stat('a'), undefined);
    await store.put('empty', new Uint8Array());
    assert.equal((await store.get('empty'))!.length, 0);
    await store.close();
  });

  test(`${name}: exactly one of forty conditional puts wins and keeps its bytes`, async () => {
    const store = await create();
    const wins = await Promise.all(
      Array.from({ length: 40 }, (_, i) => store.putIfAbsent('folds/k/result.json', bytes(`attempt ${i}`))),
    );
    assert.equal(wins.filter(Boolean).length, 1);
    assert.deepEqual(new Uint8Array((await store.get('folds/k/result.json'))!), bytes(`attempt ${wins.indexOf(true)}`));
    assert.equal(await store.putIfAbsent('folds/k/result.json', bytes('late')), false);
    await store.close();
  });

  test(`${name}: exactly one of four large conditional puts wins and keeps its bytes`, async () => {
    const store = await create();
    const contents = Array.from({ length: 4 }, () => randomBytes(LARGE));
    const wins = await Promise.all(
      contents.map((content, i) =>
        i % 2 === 0 ? store.putIfAbsent('large', content) : store.putStreamIfAbsent('large', pieces(content)),
      ),
    );
    assert.equal(wins.filter(Boolean).length, 1);
    const kept = sha256((await store.get('large'))!);
    assert.equal(kept, sha256(contents[wins.indexOf(true)]));
    assert.equal(await store.putStreamIfAbsent('large', pieces(contents[0])), false);
    assert.equal(sha256((await store.get('large'))!), kept);
    await store.close();
  });

  test(`${name}: streams content in and out`, async () => {
    const store = await create();
    assert.equal(await store.open('absent'), undefined);
    for (const length of [0, 1, 100_000, LARGE]) {
      const content = randomBytes(length);
      assert.equal(await store.putStreamIfAbsent(`a/${length}`, pieces(content), sha256(content)), true);
      const found = await store.open(`a/${length}`);
      assert.equal(found?.bytes, length);
      assert.ok(Math.abs(found.modified.getTime() - Date.now()) < 60_000);
      assert.equal(sha256(Buffer.concat(await found.stream.toArray())), sha256(content));
    }
    const left = await store.open(`a/${LARGE}`);
    left?.stream.destroy();
    await store.close();
  });

  test(`${name}: writes nothing if the source fails`, async () => {
    const store = await create();
    const failure = new Error('the source failed');
    for (const length of [1, LARGE]) {
      await assert.rejects(store.putStreamIfAbsent('a', pieces(randomBytes(length), failure)), failure);
      assert.equal(await store.has('a'), false);
    }
    assert.equal(await store.putStreamIfAbsent('a', pieces(bytes('x'))), true);
    await store.close();
  });

  test(`${name}: proves that it commits once and leaves nothing behind`, async () => {
    const store = await create();
    await store.check();
    assert.deepEqual(await keys(store, ''), []);
    await store.close();
  });

  test(`${name}: lists a prefix in order and by whole segments, and deletes`, async () => {
    const store = await create();
    for (const key of ['a/2', 'a/10', 'a/b/c', 'a.b', 'ab/1', 'a-/1']) await store.put(key, bytes(key));
    assert.deepEqual(await keys(store, 'a/'), ['a/10', 'a/2', 'a/b/c']);
    assert.deepEqual(await keys(store, 'nothing/'), []);
    assert.deepEqual(await keys(store, ''), ['a-/1', 'a.b', 'a/10', 'a/2', 'a/b/c', 'ab/1']);
    await store.delete('a/10');
    await store.delete('a/10');
    assert.deepEqual(await keys(store, 'a/'), ['a/2', 'a/b/c']);
    await store.close();
  });

  test(`${name}: rejects keys that would leave the store or be hidden in it`, async () => {
    const store = await create();
    for (const key of ['', '/a', 'a/', '../a', 'a/../../b', 'a//b', 'a\\b', 'a\u0000', '.staging/x', 'a/.b', 'é']) {
      await assert.rejects(
        store.put(key, bytes('x')),
        (error) => error instanceof CryfoldError && error.code === 'STORE_KEY_INVALID',
        JSON.stringify(key),
      );
    }
    assert.deepEqual(await keys(store, ''), []);
    await store.close();
  });
}
