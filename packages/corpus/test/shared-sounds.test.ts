import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Random } from '@cryfold/core';
import { encodeWav, joinGroups, readDataset, sharedSounds } from '../src/index.js';

test('merges groups that share a sound, directly or in a chain, and keeps all others', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'cryfold-sounds-'));
  t.after(() => rm(folder, { recursive: true }));
  const random = new Random(1);
  const noise = () => Float64Array.from({ length: 8000 }, () => 0.1 * random.normal());
  const [first, second] = [noise(), noise()];
  const files = {
    'a1 x anna': noise(),
    'a2 y anna': first,
    'b1 x bert': first.map((sample) => sample / 2),
    'b2 x bert': second,
    'c1 y carl': second,
    'd1 y dora': noise(),
  };
  const rows = ['path,label,group'];
  for (const [row, samples] of Object.entries(files)) {
    const [file, label, group] = row.split(' ');
    await writeFile(join(folder, `${file}.wav`), encodeWav(samples, 8000));
    rows.push(`${file}.wav,${label},${group}`);
  }
  await writeFile(join(folder, 'clips.csv'), rows.join('\n'));
  const dataset = await readDataset(join(folder, 'clips.csv'));
  const sounds = await sharedSounds(dataset);
  assert.deepEqual(sounds, [
    [1, 2],
    [3, 4],
  ]);
  const joined = joinGroups(dataset, sounds);
  assert.deepEqual(
    joined.clips.map(({ group }) => group),
    ['anna', 'anna', 'anna', 'anna', 'anna', 'dora'],
  );
  assert.notEqual(joined.contentHash, dataset.contentHash);
  assert.equal(joinGroups(dataset, []).contentHash, dataset.contentHash);
});
