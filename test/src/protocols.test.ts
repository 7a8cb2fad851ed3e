import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { decodeWav, encodeWav, synthesizeCorpus } from '@cryfold/corpus';
import { decodeResults, leakHeadline } from '@cryfold/evaluation';
import { cryfold, ROOT, temporaryFolder } from './command.js';

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
  cryfold([
    'run',
    path('svms.yaml'),
    '--data',
    resolve(folder.path, data),
    '--out',
    path(out),
    '--workers',
    '1',
    ...flags,
  ]);

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

const resultsOf = async (out: string) =>
  decodeResults(await readFile(path(out, 'results.json')), join(out, 'results.json'));

/** Checks that a sentence is the first that a run's table and its reports say. */
async function headed(out: string, stdout: string, sentence: string): Promise<void> {
  assert.equal(stdout.split('\n')[0], sentence);
  const page = await readFile(path(out, 'report.html'), 'utf8');
  assert.ok(page.indexOf(`<strong>${sentence}</strong>`) > 0);
  assert.ok(page.indexOf(sentence) < page.indexOf('<main>'));
  const { code, stderr } = await cryfold(['report', path(out), '--format', 'md', '--out', path(out, 'report.md')]);
  assert.equal(code, 0, stderr);
  const text = await readFile(path(out, 'report.md'), 'utf8');
  assert.equal(text.split('\n\n')[1], `**${sentence}**`);
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

test('what leaks heads the table, results.json and both reports, and grouping duplicates keeps it apart', async () => {
  await corpusWithCopy('headline');
  const data = join('headline', 'clips.csv');
  const allowed = await run(data, 'leaky', '--protocol', 'grouped', '--allow-leak');
  assert.equal(allowed.code, 0, allowed.stderr);
  const { leaks } = await resultsOf('leaky');
  assert.equal(leaks?.sounds, 1);
  assert.equal(leaks.groups, 0);
  assert.ok(leaks.examples[0].clips.includes('copy.wav#0'));
  await headed('leaky', allowed.stdout, '1 sound is in both train and test: these figures are inflated.');

  const apart = await run(data, 'apart', '--protocol', 'grouped', '--group-duplicates');
  assert.equal(apart.code, 0, apart.stderr);
  const results = await resultsOf('apart');
  assert.deepEqual(results.leaks, { sounds: 0, clips: 0, groups: 0, splits: 6, examples: [] });
  assert.ok(!apart.stdout.includes('inflated'));
  assert.equal(results.dataset.groups, (await resultsOf('leaky')).dataset.groups - 1);
  const refused = await run(data, 'refused', '--group-duplicates');
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /RepeatedKFold keeps no groups together[\s\S]*--protocol grouped/);
});

test('headline, results.json and reports agree on the donateacry devices', async (t) => {
  const devices = join(ROOT, '..', 'shared', 'data', 'donateacry-devices.csv');
  if (!existsSync(devices)) return t.skip('needs ../shared/data/donateacry-devices.csv');
  const flags = ['--folds', '3', '--repeats', '1'];
  const { code, stdout, stderr } = await run(devices, 'devices', ...flags);
  assert.equal(code, 0, stderr);
  const { leaks, protocol } = await resultsOf('devices');
  assert.ok(leaks);
  assert.equal(leaks.groups, protocol.groupsSpanning);
  assert.ok(leaks.groups > 0);
  const head = leakHeadline(leaks);
  assert.ok(head);
  await headed('devices', stdout, head);
  const named = stderr.match(/same sound in train and test/g)?.length ?? 0;
  assert.equal(named, Math.min(10, leaks.sounds));
});

test('an unknown protocol is a usage error', async () => {
  const { code, stderr } = await run('corpus', 'none', '--protocol', 'magic');
  assert.equal(code, 2);
  assert.match(stderr, /magic[\s\S]*paper, grouped/);
});
