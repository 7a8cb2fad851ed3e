import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Random } from '@cryfold/core';
import { readDataset } from '../src/dataset.js';
import { BadRecordings, byCause, describeProblems, namesAll, type Skipped } from '../src/problems.js';
import { encodeWav } from '../src/wav.js';

const RATE = 100;

/** Returns noise of this many seconds as a WAV file.  */
function sound(seconds: number, seed: number): Uint8Array {
  const random = new Random(seed);
  return encodeWav(
    new Float64Array(seconds * RATE).map(() => random.below(60000) / 32768 - 0.9),
    RATE,
  );
}

const problems = (counts: Partial<Record<Skipped['code'], number>>): Skipped[] =>
  Object.entries(counts).flatMap(([code, count]) =>
    Array.from({ length: count }, (_, i) => {
      return { file: `${code}${i}`, code: code as Skipped['code'], message: `${code}${i}: bad` };
    }),
  );

test('reports thousands of problems in a few lines, the most frequent cause first', () => {
  const many = problems({ WAV_EMPTY: 1, CLIP_SHORT: 3000, WAV_INVALID: 2 });
  assert.deepEqual(
    byCause(many).map(({ code, count, first }) => [code, count, first.length]),
    [
      ['CLIP_SHORT', 3000, 5],
      ['WAV_INVALID', 2, 2],
      ['WAV_EMPTY', 1, 1],
    ],
  );
  const lines = describeProblems(many);
  assert.match(lines[0], /^3000 x CLIP_SHORT: .* The first 5:$/);
  assert.deepEqual(
    lines.slice(1, 6),
    [0, 1, 2, 3, 4].map((i) => `- CLIP_SHORT${i}: bad`),
  );
  assert.match(lines[6], /^2 x WAV_INVALID: [^:]*$/);
  assert.deepEqual(lines.slice(7), ['- WAV_INVALID0: bad', '- WAV_INVALID1: bad', 'WAV_EMPTY0: bad']);
  assert.deepEqual([namesAll(many), namesAll(problems({ CLIP_SHORT: 5 })), namesAll([])], [false, true, true]);
  assert.deepEqual(describeProblems([]), []);
});

test('reports several bad recordings of a dataset at once', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'cryfold-problems-'));
  t.after(() => rm(root, { recursive: true }));
  for (const label of ['x', 'y']) await mkdir(join(root, label));
  for (let i = 0; i < 20; i++) await writeFile(join(root, 'x', `${i}.wav`), sound(i < 12 ? 0.3 : 1, i));
  for (let i = 0; i < 4; i++) await writeFile(join(root, 'y', `${i}.wav`), i < 2 ? 'text' : sound(1, 50 + i));
  await writeFile(join(root, 'stray.wav'), sound(1, 99));
  await assert.rejects(readDataset(root), (error) => {
    assert.ok(error instanceof BadRecordings);
    assert.equal(error.code, 'DATA_BAD');
    assert.deepEqual(error.context, { path: root, bad: 15, recordings: 25 });
    assert.match(error.message, /15 of 25 recordings cannot be used\n12 x CLIP_SHORT/);
    assert.match(error.message, /\n- x\/2\.wav: .*\nSet shortClips to pad or drop/);
    assert.match(error.hint ?? '', /--problems FILE lists all.*--skip-bad/);
    assert.match(error.listedIn('a.csv').hint ?? '', /^All are listed in a\.csv\./);
    const record = error.toRecord();
    assert.equal(record.problems.length, 15);
    assert.ok(record.problems.every(({ file, code, message, hint }) => file && code && message && hint));
    return true;
  });
  const { clips, skipped } = await readDataset(root, { skipBad: true });
  assert.deepEqual([clips.length, skipped.length], [10, 15]);
  // A single problem is reported with its own code.
  for (let i = 0; i < 12; i++) await rm(join(root, 'x', `${i}.wav`));
  await rm(join(root, 'stray.wav'));
  await rm(join(root, 'y', '0.wav'));
  await assert.rejects(readDataset(root), { code: 'WAV_INVALID', message: /^y\/1\.wav: / });
});
