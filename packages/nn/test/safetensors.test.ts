import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '@cryfold/core';
import { decodeSafetensors, encodeSafetensors } from '../src/safetensors.js';

const tensors = new Map([
  ['a/kernel', { shape: [2, 3], data: Float32Array.of(1, -2, 3.5, NaN, Infinity, -0) }],
  ['b', { shape: [], data: Float32Array.of(7) }],
  ['é', { shape: [0], data: new Float32Array() }],
]);
const metadata = { curve: '[1,"ü"]' };

test('tensors and metadata survive a round trip through safetensors', () => {
  const bytes = encodeSafetensors({ tensors, metadata });
  assert.deepEqual(decodeSafetensors(bytes, 'x'), { tensors, metadata });
  // A Buffer from Node's pool has an offset other than 0, and its slice is a view.
  assert.deepEqual(decodeSafetensors(Buffer.concat([Buffer.from('x'), bytes]).subarray(1), 'x'), { tensors, metadata });
});

test('writes a tensor as exactly the same bytes as the safetensors package', () => {
  // python: safetensors.numpy.save({'w': numpy.array([1.0], 'float32')}, {'k': 'v'})
  const header = '{"__metadata__":{"k":"v"},"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}';
  const padded = header.padEnd(Math.ceil(header.length / 8) * 8);
  const expected = Buffer.concat([
    Buffer.from(new BigUint64Array([BigInt(padded.length)]).buffer),
    Buffer.from(padded),
    Buffer.from(Float32Array.of(1).buffer),
  ]);
  const bytes = encodeSafetensors({
    tensors: new Map([['w', { shape: [1], data: Float32Array.of(1) }]]),
    metadata: { k: 'v' },
  });
  assert.deepEqual(Buffer.from(bytes), expected);
});

test('reports any damage to a safetensors file with an error code', () => {
  const bytes = encodeSafetensors({ tensors, metadata });
  const random = new Random(1);
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(() => decodeSafetensors(bytes.subarray(0, length), 'x'), { code: 'ARTIFACT_CORRUPT' });
  }
  const start = 8 + bytes[0] + 256 * bytes[1];
  for (let round = 0; round < 2000; round++) {
    const damaged = bytes.slice();
    damaged[random.below(start)] = random.below(256);
    try {
      decodeSafetensors(damaged, 'x');
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'ARTIFACT_CORRUPT', String(error));
    }
  }
});

test('reports an invalid header, or one that declares too much data, with an error code', () => {
  const file = (header: string, data = 0) => {
    const bytes = new Uint8Array(8 + header.length + data);
    new DataView(bytes.buffer).setUint32(0, header.length, true);
    bytes.set(new TextEncoder().encode(header), 8);
    return bytes;
  };
  const tensor = (members: string) => `{"w":{"dtype":"F32",${members}}}`;
  for (const header of [
    ...['null', '[]', '1', '"x"', '{"w":null}', '{"w":1}', '{"__metadata__":null}', '{"__metadata__":{"k":1}}'],
    tensor('"shape":[1e9,1e9],"data_offsets":[0,4e18]'),
    tensor('"shape":[-1,-1],"data_offsets":[0,4]'),
    tensor('"shape":["1"],"data_offsets":[0,4]'),
    tensor('"shape":[0.5,2],"data_offsets":[0,4]'),
    tensor('"shape":[1],"data_offsets":[0]'),
    tensor('"shape":[1],"data_offsets":[null,4]'),
    tensor('"shape":[1],"data_offsets":[4,8]'),
    ' '.repeat(2 ** 24),
  ]) {
    assert.throws(() => decodeSafetensors(file(header, 4), 'x'), { code: 'ARTIFACT_CORRUPT' }, header.slice(0, 80));
  }
});
