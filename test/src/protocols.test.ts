import assert from 'node:assert/strict';
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { decodeWav, encodeWav, synthesizeCorpus } from '@cryfold/corpus';
import { decodeResults } from '@cryfold/evaluation';
import { cryfold, temporaryFolder } from './command.js';

const SPEC = `
version: 1
name: svms
protocol: { folds: 3, repeats: 2 }
estimators:
  svm: { kind: svm }
`;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const path = (...parts: string[]) => join(folder.path, ...parts);
const run = (data: string, out: string, ...flags: string[]) =>
  cryfold(['run', path('svms.yaml'), '--data', path(data), '--out', path(out), '--workers', '1', ...flags]);

/** A CSV corpus of every recording, with a copy at half the level under another infant's name. */
async function corpusWithCopy(name: string): Promise<string> {
  const files = (await readdir(path('corpus'), { recursive: true })).filter((file) => file.endsWith('.wav')).sort();
  const rows = ['path,label,group'];
  for (const file of files) {
    await mkdir(dirname(path(name, file)), { recursive: true });
    await copyFile(path('corpus', file), path(name, file));
    rows.push(`${file},${file.slice(-6, -4)},${file.slice(-13, -9)}`);
  }
  const { samples, rate } = decodeWav(await readFile(path('corpus', files[0])), files[0]);
  const quiet = samples.map((sample) => sample / 2);
  await writeFile(path(name, 'copy.wav'), encodeWav(quiet, rate));
  rows.push(`copy.wav,${files[0].slice(-6, -4)},another infant`);
  await writeFile(path(name, 'clips.csv'), `${rows.join('\n')}\n`);
  return files[0];
}

before(async () => {
  folder = await temporaryFolder();
  await writeFile(path('svms.yaml'), SPEC);
  await synthesizeCorpus(path('corpus'), { clips: 150, seed: 3 });
});
after(() => folder.remove());

test('two protocols: one store, a folder each, and both side by side', async () => {
  const { code, stdout, stderr } = await run('corpus', 'both', '--protocol', 'paper,grouped');
  assert.equal(code, 0, stderr);
  const [paper, grouped] = await Promise.all(
    ['paper', 'grouped'].map(async (name) => decodeResults(await readFile(path('both', name, 'results.json')), name)),
  );
  assert.equal(paper.protocol.splitter, 'RepeatedKFold');
  assert.ok(paper.protocol.groupsSpanning > 0);
  assert.equal(grouped.protocol.splitter, 'StratifiedGroupKFold');
  assert.equal(grouped.protocol.groupsSpanning, 0);
  assert.equal(grouped.models[0].folds.length, 6);
  const points = (100 * (grouped.models[0].accuracy!.mean - paper.models[0].accuracy!.mean)).toFixed(2);
  const side = stdout.slice(stdout.indexOf('under two protocols'));
  assert.match(side, /A: random folds: the same infant is in train and test/);
  assert.match(side, /B: grouped folds/);
  assert.match(side, new RegExp(`svm .* ${points}\n`));
  assert.match(await readFile(path('both', 'report.html'), 'utf8'), /Two protocols side by side/);
  const again = await run('corpus', 'both', '--protocol', 'grouped', '--json');
  assert.equal(again.code, 0, again.stderr);
  assert.equal(JSON.parse(again.stdout).run.id, grouped.run.id, 'the same run as one of two');
});

test('a quieter copy under another group stops grouped folds before anything is written; random folds only name it', async () => {
  const original = await corpusWithCopy('copied');
  const refused = await run(join('copied', 'clips.csv'), 'leak', '--protocol', 'grouped');
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /LEAK_FOUND/);
  assert.ok(refused.stderr.includes(`${original}#0, copy.wav#0`), refused.stderr);
  assert.deepEqual(await readdir(path('leak')).catch(() => []), []);
  const allowed = await run(join('copied', 'clips.csv'), 'leak', '--protocol', 'grouped', '--allow-leak');
  assert.equal(allowed.code, 0, allowed.stderr);
  assert.match(allowed.stderr, /allowed: /);
  const random = await run(join('copied', 'clips.csv'), 'random');
  assert.equal(random.code, 0, random.stderr);
  assert.match(random.stderr, /same sound in train and test of \d of 6 splits: .*copy\.wav#0/);
});

test('an unknown protocol is a usage error', async () => {
  const { code, stderr } = await run('corpus', 'none', '--protocol', 'magic');
  assert.equal(code, 2);
  assert.match(stderr, /magic[\s\S]*paper, grouped/);
});
