import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { CryfoldError, decodeNpy, decodeNpyHeader, encodeNpy, NPY_HEADER_LIMIT, Random, sha256 } from '../src/index.js';

const cases = [
  { type: '|u1', data: Uint8Array.from([0, 1, 255, 7, 8, 9]) },
  { type: '<i4', data: Int32Array.from([0, -1, 2 ** 31 - 1, -(2 ** 31), 5, 6]) },
  { type: '<f4', data: Float32Array.from([0, -0, 1.5, Number.POSITIVE_INFINITY, 1e-40, 3]) },
  { type: '<f8', data: Float64Array.from([0, Math.PI, -1e300, Number.NaN, 5e-324, 2]) },
] as const;

for (const { type, data } of cases) {
  for (const shape of [[6], [2, 3], [1, 2, 3]]) {
    test(`${type} ${shape}: round-trips, even from any offset of a Buffer`, () => {
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

// sha256 of what numpy.save writes for the arrays of `cases` and an empty one.
test('writes the same bytes as numpy', () => {
  const saved = [
    [Uint8Array.from([0, 1, 255, 7, 8, 9]), [6], 'a096ccfcd57ded5f832de3234333d842ddebc8b0ff26e927a01b592a92ef16a1'],
    [cases[1].data, [2, 3], 'd5bdcfd0a86eb88c6aa1395187feb499e74730d306b08814a289ebafe8ef815b'],
    [
      Float32Array.from([0, -0, 1.5, Number.POSITIVE_INFINITY, 2 ** -100, 3]),
      [1, 2, 3],
      '4453250a13a3579e985df1d8f21e9b7385327b828f72a36886a6a19fddc14bcb',
    ],
    [
      Float64Array.from([0, Math.PI, -1e300, 5e-324, 2, 3]),
      [3, 2],
      '6ec65f26972eb220023992f731d7507076b7e59ebb18fff5340284517a4a3b67',
    ],
    [new Float64Array(), [0, 4], '8825ff7dd3621950d9d249e0725e93ab26e2904d6d9eff4a45bd0630772b2c67'],
  ] as const;
  for (const [data, shape, hash] of saved) assert.equal(sha256(encodeNpy(data, shape)), hash, `${shape}`);
});

test('encodes a header length above 255 in two bytes, and decodes such a header from the start of the array', () => {
  const shape = Array.from({ length: 200 }, () => 1);
  const bytes = encodeNpy(Float64Array.of(7), shape);
  assert.ok(bytes[9] > 0);
  const header = decodeNpyHeader(bytes.subarray(0, NPY_HEADER_LIMIT), '<f8', 200, 'x');
  assert.deepEqual(header, { type: '<f8', shape, start: bytes.length - 8, bytes: 8 });
  assert.deepEqual([...decodeNpy(bytes, '<f8', 200, 'x').data], [7]);
  assert.equal(NPY_HEADER_LIMIT, 10 + 65_535);
});

test('reports what is wrong with a damaged .npy array', () => {
  const good = encodeNpy(Float64Array.from([1, 2, 3, 4]), [2, 2]);
  const edited = (from: string, to: string) => {
    const text = Buffer.from(good).toString('latin1').replace(from, to.padEnd(from.length));
    return Buffer.from(text, 'latin1');
  };
  const magic = good.slice();
  magic[6] = 2;
  for (const [bytes, why] of [
    [new Uint8Array(), 'not an npy 1.0 array'],
    [good.subarray(0, 9), 'not an npy 1.0 array'],
    [magic, 'not an npy 1.0 array'],
    [good.subarray(0, 10), 'unreadable npy header'],
    [edited('{', ' {'), 'unreadable npy header'],
    [edited('False', 'True'), 'Fortran order, not C order'],
    [edited('}', '};'), 'unreadable npy header'],
    [good.subarray(0, -1), '31 bytes of data do not fit shape (2, 2)'],
    [Buffer.concat([good, Buffer.alloc(1)]), '33 bytes of data do not fit shape (2, 2)'],
    [encodeNpy(Float32Array.of(1), [1, 1]), 'elements are <f4, not <f8'],
    [encodeNpy(Float64Array.of(1), [1]), '1 dimensions, not 2'],
    [encodeNpy(new Float64Array(), [2 ** 40, 2 ** 20]), `the shape (${2 ** 40}, ${2 ** 20}) is too large`],
  ] as const) {
    assert.throws(
      () => decodeNpy(bytes, '<f8', 2, 'a.npy'),
      (error) => {
        assert.ok(error instanceof CryfoldError);
        assert.equal(error.message, `a.npy: ${why}`);
        assert.deepEqual([error.code, error.context], ['NPY_INVALID', { artifact: 'a.npy' }]);
        assert.equal(error.hint, 'Delete the file and run the command again.');
        return true;
      },
      why,
    );
  }
});
