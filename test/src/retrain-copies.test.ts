import assert from 'node:assert/strict';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Clip, decodeWav, encodeWav, readDataset, synthesizeCorpus } from '@cryfold/corpus';
import { cryfold, temporaryFolder } from './command.js';

const SPEC = `
version: 1
name: copies
protocol: { folds: 3, repeats: 1, splitter: RepeatedStratifiedKFold }
estimators:
  svm: { kind: svm }
`;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const path = (...parts: string[]) => join(folder.path, ...parts);

/** Writes a manifest in which every clip is its own group. */
async function manifest(name: string, rows: readonly { file: string; label: string }[]): Promise<string> {
  await mkdir(dirname(path(name)), { recursive: true });
  await writeFile(path(name), `path,label\n${rows.map(({ file, label }) => `${file},${label}`).join('\n')}\n`);
  return path(name);
}

/** Writes a copy of a recording without its first 100 ms, at a third of its level. */
async function shifted({ file, label }: Clip): Promise<{ file: string; label: string }> {
  const { samples, rate } = decodeWav(await readFile(path(file)), file);
  const copy = `copies/${file.replaceAll('/', '-')}`;
  await mkdir(path('copies'), { recursive: true });
  const later = samples.slice(Math.round(0.1 * rate)).map((sample) => sample / 3);
  await writeFile(path(copy), encodeWav(later, rate));
  return { file: copy, label };
}

async function retrain(data: string) {
  const args = ['retrain', path('spec.yaml'), '--data', data, '--model', 'cry', '--store', path('store')];
  const { stdout, stderr } = await cryfold([...args, '--workers', '1', '--json']);
  assert.notEqual(stdout, '', stderr);
  return JSON.parse(stdout);
}

before(async () => {
  folder = await temporaryFolder();
  await writeFile(path('spec.yaml'), SPEC);
  await synthesizeCorpus(path('corpus'), { clips: 150, seed: 0 });
});
after(() => folder.remove());

test('counts shifted copies of the champion’s training clips as known if their audio is available', async () => {
  const { clips } = await readDataset(path('corpus'));
  const inFolder = clips.map((clip) => ({ ...clip, file: `corpus/${clip.file}` }));
  const trained = inFolder.filter((_, i) => i % 3 !== 0);
  const added = inFolder.filter((_, i) => i % 3 === 0);
  const first = await retrain(await manifest('trained.csv', trained));
  assert.equal(first.outcome, 'promoted', first.reason);

  // Half of the original recordings are part of the new data. The others are not listed in it, but their files are
  // still in its folder.
  const copies = await Promise.all(trained.slice(0, 30).map(shifted));
  const rows = [...trained.slice(0, 15), ...copies, ...added];
  const { evidence, reason } = await retrain(await manifest('copied.csv', rows));
  assert.deepEqual([evidence.opponent, evidence.data.known], ['champion', 15], reason);
  assert.equal(evidence.test.clips, added.length, reason);
  assert.equal(evidence.data.uncompared, 0);
  assert.doesNotMatch(reason, /audio/);

  // The same data in another folder, which does not contain the champion's other recordings.
  for (const { file } of rows) await cp(path(file), path('elsewhere', file));
  const moved = await retrain(await manifest('elsewhere/copied.csv', rows));
  assert.equal(moved.evidence.test.clips, added.length + 15, moved.reason);
  assert.equal(moved.evidence.data.uncompared, trained.length - 15);
  assert.match(moved.reason, /the audio of 85 of the champion’s 100 training clips is not available/);
});
