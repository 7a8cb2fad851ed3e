import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { Random } from '@cryfold/core';
import { sox, soxMissing } from '@cryfold/testing/sox';
import { decodingOnce } from '../src/audio/decoded-once.js';
import { readClips, readDataset } from '../src/dataset.js';
import { encodeWav } from '../src/wav.js';

const RATE = 8000;
let root: string;
let temporary: string;
const { TMPDIR } = process.env;
/** A time in whole milliseconds, which can be restored exactly. */
const WHEN = new Date(1e12);

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'cryfold-once-'));
  temporary = join(root, 'tmp');
  await mkdir(temporary);
  process.env.TMPDIR = temporary;
  const random = new Random(1);
  for (const name of ['x/a', 'y/b']) {
    await mkdir(join(root, 'data', name[0]), { recursive: true });
    const samples = Float64Array.from({ length: 2 * RATE }, () => random.uniform(-0.5, 0.5));
    await writeFile(join(root, 'a.wav'), encodeWav(samples, RATE));
    if (soxMissing) continue;
    await sox('-D', join(root, 'a.wav'), '-b', '24', file(name), 'remix', '1', '1v0.3', '1v0.7');
    await utimes(file(name), WHEN, WHEN);
  }
});
afterEach(async () => {
  if (TMPDIR === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = TMPDIR;
  await rm(root, { recursive: true });
});

const file = (name: string) => join(root, 'data', `${name}.flac`);

async function samplesOf(dataset: Parameters<typeof readClips>[0]): Promise<number[][]> {
  const all: number[][] = [];
  for await (const { samples } of readClips(dataset)) all.push([...samples]);
  return all;
}

/** Destroys a recording so that it cannot be decoded again, without changing its size and times. */
async function destroy(path: string): Promise<void> {
  const { size } = await stat(path);
  await writeFile(path, Buffer.alloc(size));
  await utimes(path, WHEN, WHEN);
}

test('decodes recordings only once, to the same samples, and leaves no file behind', { skip: soxMissing }, async () => {
  const expected = await samplesOf(await readDataset(join(root, 'data')));
  // The mean of three channels usually has no exact 32-bit representation, so the test notices if samples are not kept
  // exactly.
  assert.ok(expected.flat().some((sample) => Math.fround(sample) !== sample));
  await decodingOnce(async () => {
    const dataset = await readDataset(join(root, 'data'));
    await destroy(file('x/a'));
    await destroy(file('y/b'));
    assert.deepEqual(await samplesOf(dataset), expected);
    assert.deepEqual((await readDataset(join(root, 'data'))).clips, dataset.clips);
    assert.deepEqual(await readdir(temporary), []);
  });
  await assert.rejects(readDataset(join(root, 'data')), { code: 'DATA_BAD' });
});

test('decodes a changed recording again', { skip: soxMissing }, async () => {
  await decodingOnce(async () => {
    const dataset = await readDataset(join(root, 'data'));
    await writeFile(file('x/a'), encodeWav(new Float64Array(2 * RATE).fill(0.5), RATE));
    await assert.rejects(samplesOf(dataset), { code: 'DATA_CHANGED' });
  });
});

test('decodes recordings each time if their samples exceed the size limit or there is no temporary folder', {
  skip: soxMissing,
}, async () => {
  const expected = await samplesOf(await readDataset(join(root, 'data')));
  const twice = async () => samplesOf(await readDataset(join(root, 'data')));
  // Only one of the two recordings fits.
  assert.deepEqual(await decodingOnce(twice, 8 * 3 * RATE), expected);
  await rm(temporary, { recursive: true });
  assert.deepEqual(await decodingOnce(twice), expected);
});
