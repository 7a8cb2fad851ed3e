import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { CryfoldError, decodeNpy, encodeNpy, Random } from '../src/index.js';

const cases = [
  { type: '|u1', data: Uint8Array.from([0, 1, 255, 7, 8, 9]) },
  { type: '<i4', data: Int32Array.from([0, -1, 2 ** 31 - 1, -(2 ** 31), 5, 6]) },
  { type: '<f4', data: Float32Array.from([0, -0, 1.5, Number.POSITIVE_INFINITY, 1e-40, 3]) },
  { type: '<f8', data: Float64Array.from([0, Math.PI, -1e300, Number.NaN, 5e-324, 2]) },
] as const;

for (const { type, data } of cases) {
  for (const shape of [[6], [2, 3], [1, 2, 3]]) {
    test(`${type} ${shape}: round-trips, also from any offset of a Buffer`, () => {
      const bytes = encodeNpy(data, shape);
      assert.equal(bytes.length % 64, data.byteLength % 64, 'numpy aligns data to 64 bytes');
      for (const offset of [0, 1, 5]) {
        const shifted = Buffer.concat([Buffer.alloc(offset), bytes]).subarray(offset);
        const read = decodeNpy(shifted, type, shape.length, 'x');
        assert.deepEqual(read.shape, shape);
        assert.deepEqual(read.data, data);
      }
    });
  }
}

test('reports any damaged bytes as NPY_INVALID', () => {
  const good = encodeNpy(Float64Array.from([1, 2, 3, 4]), [2, 2]);
  const random = new Random(1);
  const expected = (error: unknown) => error instanceof CryfoldError && error.code === 'NPY_INVALID';
  assert.throws(() => decodeNpy(good, '<f4', 2, 'x'), expected);
  assert.throws(() => decodeNpy(good, '<f8', 1, 'x'), expected);
  for (let i = 0; i < 2000; i++) {
    const bad = good.slice(0, random.below(good.length + 1));
    for (let k = random.below(4); k > 0 && bad.length > 0; k--) bad[random.below(bad.length)] = random.below(256);
    try {
      decodeNpy(bad, '<f8', 2, 'x');
    } catch (error) {
      assert.ok(expected(error), String(error));
    }
  }
});

test('numpy reads what we write, and we read what numpy writes', (t) => {
  const python = process.env.CRYFOLD_ORACLE_PYTHON ?? 'python3';
  const folder = mkdtempSync(join(tmpdir(), 'cryfold-npy-'));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'ours.npy'), encodeNpy(Float64Array.from([1, 2, 3, 4, 5, 6]), [2, 3]));
  const script =
    'import numpy as n, sys; a = n.load("ours.npy"); assert a.shape == (2, 3); n.save("theirs.npy", (a * 2).astype("i4"))';
  try {
    execFileSync(python, ['-c', 'import numpy'], { stdio: 'ignore' });
  } catch {
    return t.skip('needs a Python with numpy (scripts/test installs it)');
  }
  execFileSync(python, ['-c', script], { cwd: folder });
  const { shape, data } = decodeNpy(readFileSync(join(folder, 'theirs.npy')), '<i4', 2, 'theirs.npy');
  assert.deepEqual(shape, [2, 3]);
  assert.deepEqual([...data], [2, 4, 6, 8, 10, 12]);
});
