import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CanonicalText, canonicalJson, contentKey, datasetKey, deriveSeed, sha256 } from '../src/index.js';

test('hashes bytes, and text as UTF-8, with the SHA-256 of FIPS 180-4', () => {
  assert.equal(sha256('abc'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  assert.equal(sha256(''), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  assert.equal(sha256('é'), sha256(Uint8Array.of(0xc3, 0xa9)));
});

test('canonical JSON sorts keys at every level by UTF-16 code unit, and keeps the order of lists', () => {
  const value = { b: [1, 2.5, null, true, 'x'], a: { z: 'é"', y: -1e-7, B: false }, ab: {}, '': [] };
  const text = '{"":[],"a":{"B":false,"y":-1e-7,"z":"é\\""},"ab":{},"b":[1,2.5,null,true,"x"]}';
  assert.equal(canonicalJson(value), text);
  assert.equal(canonicalJson(Object.fromEntries(Object.entries(value).reverse())), text);
  assert.deepEqual(JSON.parse(text), value);
});

test('canonical JSON leaves out undefined members, like JSON.stringify, and rejects what JSON cannot represent', () => {
  const value = { a: undefined, b: [undefined, 1], c: null };
  assert.equal(canonicalJson(value), JSON.stringify(value));
  assert.equal(canonicalJson(undefined), 'null');
  for (const number of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    assert.throws(
      () => canonicalJson({ a: [number] }),
      new TypeError(`not representable in JSON: ${number}`),
      String(number),
    );
  }
});

test('a CanonicalText has the same key as its value', () => {
  const inner = { y: 1, x: [2] };
  assert.equal(new CanonicalText(inner).text, '{"x":[2],"y":1}');
  assert.equal(contentKey({ inner: new CanonicalText(inner) }), contentKey({ inner }));
  assert.equal(contentKey({ inner }), sha256('{"inner":{"x":[2],"y":1}}'));
});

test('derives a seed from the first 32 bits of the hash of its parts, which are hashed with a separator', () => {
  // The first eight digits of the sha256 of "abc", above.
  assert.equal(deriveSeed('abc'), 0xba7816bf);
  assert.equal(deriveSeed('a', 1), Number.parseInt(sha256('a\u00001').slice(0, 8), 16));
  assert.notEqual(deriveSeed('ab', 'c'), deriveSeed('a', 'bc'));
});

test('the key of a dataset depends on each property of each clip, the order of the clips and the decoders', () => {
  const clip = { id: 'a', label: 'x', group: 'g', hash: 'h' };
  const other = { ...clip, id: 'b' };
  assert.equal(datasetKey([clip, other]), sha256('[["a","x","g","h"],["b","x","g","h"]]'));
  assert.equal(datasetKey([{ ...clip, fold: '1' }]), sha256('[["a","x","g","h","1"]]'));
  assert.equal(datasetKey([clip], ['mpg123 1']), sha256('{"clips":[["a","x","g","h"]],"decoders":["mpg123 1"]}'));
  const keys = [
    ...(['id', 'label', 'group', 'hash', 'fold'] as const).map((member) => datasetKey([{ ...clip, [member]: 'new' }])),
    ...[datasetKey([clip]), datasetKey([clip, other]), datasetKey([other, clip]), datasetKey([clip], ['d'])],
  ];
  assert.equal(new Set(keys).size, keys.length);
});
