import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { decodeWav, encodeWav, synthesizeCorpus } from '@cryfold/corpus';
import { decodeResults, leakHeadline } from '@cryfold/evaluation';
import { cryfold, ownStore, ROOT, temporaryFolder } from './command.js';

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
    ...ownStore(path(out)),
    '--workers',
    '1',
    ...flags,
  ]);

/** Writes a CSV corpus of all recordings, and a copy of one of them at half its level, under another infant's name. */
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

/** Checks that a run's table and reports start with the given sentence. */
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

const resultsOf = async (...parts: string[]) =>
  decodeResults(await readFile(path(...parts, 'results.json')), join(...parts));

test('evaluates several protocols in one store, with a folder for each, and compares them in one table', async () => {
  const { code, stdout, stderr } = await run(
    'corpus',
    'all',
    '--protocol',
    'paper,grouped,logo',
    '--folds',
    '3',
    '--repeats',
    '2',
  );
  assert.equal(code, 0, stderr);
  const names = ['paper-split', 'paper-folds', 'grouped', 'logo'];
  const runs = await Promise.all(names.map((name) => resultsOf('all', name)));
  const [split, folds, grouped, logo] = runs;
  assert.deepEqual(
    runs.map(({ protocol }) => protocol.splitter),
    ['ShuffleSplit', 'RepeatedKFold', 'StratifiedGroupKFold', 'LeaveOneGroupOut'],
  );
  assert.deepEqual(
    runs.map(({ protocol }) => protocol.groupsSpanning > 0),
    [true, true, false, false],
  );
  assert.deepEqual([split.protocol.testSize, split.models[0].folds[0].testCount], [0.2, 30]);
  assert.equal(folds.models[0].folds.length, 6);
  assert.equal(logo.models[0].folds.length, logo.dataset.groups);
  const points = (100 * (grouped.models[0].accuracy!.mean - folds.models[0].accuracy!.mean)).toFixed(2);
  const side = stdout.slice(stdout.indexOf('under 4 protocols'));
  assert.match(side, /A: ungrouped folds: .* \(ShuffleSplit, 1 split that tests 20 % of the clips\)/);
  assert.match(side, /B: ungrouped folds: clips of the same group .* \(RepeatedKFold, 2 repeats x 3 folds\)/);
  assert.match(side, /D: grouped folds: .* \(LeaveOneGroupOut, 1 repeat x \d+ folds\)/);
  assert.match(side, new RegExp(`svm .* ${points} `));
  assert.match(await readFile(path('all', 'protocols.html'), 'utf8'), /Protocols side by side/);
  const again = await run('corpus', 'all', '--protocol', 'grouped', '--json');
  assert.equal(again.code, 0, again.stderr);
  assert.equal(JSON.parse(again.stdout).run.id, grouped.run.id, 'the run is the same as when it is one of several');
  const planned = await run('corpus', 'all', '--protocol', 'paper', '--folds', '3', '--repeats', '2');
  assert.equal(planned.code, 0, planned.stderr);
  assert.equal(planned.stderr.match(/folds are already in the store/g)?.length, 2, 'nothing is trained twice');
});

test('reads folds from the data, and trains folds with one clip per class without calibration', async () => {
  const files = (await readdir(path('corpus'), { recursive: true })).filter((file) => file.endsWith('.wav')).sort();
  const labels = new Map<string, string[]>();
  for (const file of files) labels.set(file.slice(-6, -4), [...(labels.get(file.slice(-6, -4)) ?? []), file]);
  const [first, second] = [...labels.values()];
  // When fold b is tested, training uses fold a, which has only one clip of each class, and vice versa.
  const rows = [first[0], second[0]].map((file) => `${file},${file.slice(-6, -4)},a`);
  rows.push(...[...first.slice(1, 4), ...second.slice(1, 4)].map((file) => `${file},${file.slice(-6, -4)},b`));
  await writeFile(path('corpus', 'folds.csv'), `path,label,fold\n${rows.join('\n')}\n`);
  const { code, stdout, stderr } = await run(join('corpus', 'folds.csv'), 'named', '--protocol', 'predefined');
  assert.equal(code, 0, stderr);
  const { protocol, models, notes, format } = await resultsOf('named');
  assert.deepEqual([protocol.splitter, protocol.folds, protocol.repeats], ['PredefinedSplit', 2, 1]);
  assert.deepEqual(
    models[0].folds.map(({ testCount }) => testCount),
    [2, 6],
  );
  assert.equal(format, 2);
  const note =
    'svm: in 1 of 2 folds, the probabilities are not calibrated, since no class has more than one training clip.';
  assert.deepEqual(notes, [note]);
  assert.ok(stdout.includes(note));
  assert.ok((await readFile(path('named', 'report.html'), 'utf8')).includes(note));
});

test('for a single split, tests sweeps, fusions and comparisons over groups, never over folds', async () => {
  const spec = `version: 1
name: one
protocol: { splitter: ShuffleSplit, repeats: 1 }
estimators: { a: { kind: svm }, b: { kind: svm, C: 1 } }
fusion: { both: { members: [a, b] } }
search: { algorithm: random, trials: 2, space: { a: { C: { log: [0.1, 100] } } } }
`;
  await writeFile(path('one.yaml'), spec);
  const flags = ['--data', path('corpus'), ...ownStore(path('one')), '--workers', '1', '--json'];
  const { code, stdout, stderr } = await cryfold(['sweep', path('one.yaml'), ...flags]);
  assert.equal(code, 0, stderr);
  const { models, comparisons, search } = JSON.parse(stdout);
  assert.deepEqual(
    models.map(({ name, accuracy }: { name: string; accuracy: { count: number } }) => [name, accuracy.count]),
    [
      ['a', 1],
      ['b', 1],
      ['both', 1],
    ],
  );
  assert.equal(search.trials.length, 2);
  assert.ok(comparisons.every(({ test }: { test: unknown }) => test === null));
  const compared = await cryfold(['compare', path('one'), path('one'), '--model', 'a,b']);
  assert.equal(compared.code, 5, compared.stderr);
  assert.match(compared.stdout, /^same: .*\n.* accuracy pooled over \d+ groups, .* p [\d.]+ \(groups exchanged/);
});

test('refuses folds without a test clip before training or writing anything', async () => {
  // In one class, the infants have 7, 4 and 1 clips; in the other class, they have 5 and 2. With these groups,
  // scikit-learn leaves one fold empty.
  const files = (await readdir(path('corpus'), { recursive: true })).filter((file) => file.endsWith('.wav')).sort();
  const rows = ['path,label,group'];
  for (const [infant, clips] of [7, 4, 1, 5, 2].entries()) {
    for (let i = 0; i < clips; i++)
      rows.push(`${files[rows.length]},${infant < 3 ? 'hunger' : 'normal'},infant ${infant}`);
  }
  await writeFile(path('corpus', 'uneven.csv'), `${rows.join('\n')}\n`);
  const refused = await run(join('corpus', 'uneven.csv'), 'empty', '--protocol', 'grouped', '--folds', '5', '--json');
  assert.equal(refused.code, 10);
  const { error } = JSON.parse(refused.stdout);
  assert.equal(error.code, 'FOLD_EMPTY');
  assert.match(error.message, /1 of 10 folds|2 of 10 folds/);
  assert.match(error.hint, /Use \d folds/);
  assert.deepEqual(await readdir(path('empty')).catch(() => []), []);
});

test('with a quieter copy in another group, refuses grouped folds, and reports the copy for random folds', async () => {
  const original = await corpusWithCopy('copied');
  const refused = await run(join('copied', 'clips.csv'), 'leak', '--protocol', 'grouped');
  assert.equal(refused.code, 10);
  assert.match(refused.stderr, /LEAK_FOUND/);
  assert.ok(refused.stderr.includes(`${original}#0, copy.wav#0`), refused.stderr);
  assert.deepEqual(await readdir(path('leak')).catch(() => []), []);
  const allowed = await run(join('copied', 'clips.csv'), 'leak', '--protocol', 'grouped', '--allow-leak');
  assert.equal(allowed.code, 0, allowed.stderr);
  assert.match(allowed.stderr, /allowed: /);
  const random = await run(join('copied', 'clips.csv'), 'random');
  assert.equal(random.code, 0, random.stderr);
  assert.match(random.stderr, /same sound in both train and test of \d of 6 splits: .*copy\.wav#0/);
});

test('shows leaks at the top of all outputs, and --group-duplicates prevents them', async () => {
  await corpusWithCopy('headline');
  const data = join('headline', 'clips.csv');
  const allowed = await run(data, 'leaky', '--protocol', 'grouped', '--allow-leak');
  assert.equal(allowed.code, 0, allowed.stderr);
  const { leaks } = await resultsOf('leaky');
  assert.equal(leaks?.sounds, 1);
  assert.equal(leaks.groups, 0);
  assert.ok(leaks.examples[0].clips.includes('copy.wav#0'));
  await headed('leaky', allowed.stdout, '1 sound is in both train and test: these figures are inflated.');

  const store = { CRYFOLD_STORE: `file:${path('leaky', 'store')}` };
  const { run: leaky } = await resultsOf('leaky');
  const made = await cryfold(['train-final', leaky.id, '--name', 'leaky', '--json'], store);
  assert.equal(made.code, 0, made.stderr);
  const { card } = JSON.parse(made.stdout);
  assert.deepEqual(card.metrics[0].leaks, { sounds: 1, groups: 0 });
  const sentence = '1 sound is in both train and test: these figures are inflated.';
  assert.equal(card.metrics[0].warnings[0], sentence);
  assert.ok(
    card.limits.some((limit: string) => /same sounds are in train and test.*too optimistic for new groups/.test(limit)),
  );
  assert.ok(!card.limits.some((limit: string) => limit.startsWith('For new groups')));
  const exported = await cryfold(['export', 'mlflow', '--to', path('leaky-mlflow')], store);
  assert.equal(exported.code, 0, exported.stderr);
  const files = (await readdir(path('leaky-mlflow'), { recursive: true })).filter((file) =>
    /mlflow\.note\.content$|version-1\/meta\.yaml$/.test(file),
  );
  assert.equal(files.length, 3, 'the run, its model, and the registered version');
  for (const file of files) assert.ok((await readFile(path('leaky-mlflow', file), 'utf8')).includes(sentence), file);

  const apart = await run(data, 'apart', '--protocol', 'grouped', '--group-duplicates');
  assert.equal(apart.code, 0, apart.stderr);
  const results = await resultsOf('apart');
  assert.deepEqual(results.leaks, { sounds: 0, clips: 0, groups: 0, splits: 6, examples: [] });
  assert.ok(!apart.stdout.includes('inflated'));
  assert.equal(results.dataset.groups, (await resultsOf('leaky')).dataset.groups - 1);
  const refused = await run(data, 'refused', '--group-duplicates');
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /RepeatedKFold does not keep groups together[\s\S]*--protocol grouped/);
});

test('counts every planted copy in another group, in the table, results.json and both reports', async () => {
  const planted = 12;
  const files = (await readdir(path('corpus'))).filter((file) => file.endsWith('.wav')).sort();
  const rows = ['path,label'];
  for (const [i, file] of files.entries()) {
    const label = file.slice(-6, -4);
    await mkdir(path('planted'), { recursive: true });
    await copyFile(path('corpus', file), path('planted', file));
    rows.push(`${file},${label}`);
    if (i >= planted) continue;
    // Copies are exact, quieter, or shifted by 60 ms. Sounds with two copies are counted only once.
    const { samples, rate } = decodeWav(await readFile(path('corpus', file)), file);
    const later = samples.slice(Math.round(0.06 * rate));
    const copies = [samples, samples.map((sample) => sample / 2), later].slice(i % 3, (i % 3) + (i % 2) + 1);
    for (const [k, copy] of copies.entries()) {
      await writeFile(path('planted', `copy-${i}-${k}.wav`), encodeWav(copy, rate));
      rows.push(`copy-${i}-${k}.wav,${label}`);
    }
  }
  await writeFile(path('planted', 'clips.csv'), `${rows.join('\n')}\n`);
  // With five repeats of three folds, each pair is separated with probability 1 - 3^-5. Which pairs are separated
  // depends on the seed.
  const { code, stdout, stderr } = await run(join('planted', 'clips.csv'), 'planted', '--repeats', '5');
  assert.equal(code, 0, stderr);
  const { leaks } = await resultsOf('planted');
  assert.deepEqual(
    [leaks?.sounds, leaks?.groups, leaks?.clips],
    [planted, 0, rows.length - 1 - files.length + planted],
  );
  assert.equal(leaks?.examples.length, 10);
  await headed('planted', stdout, `${planted} sounds are in both train and test: these figures are inflated.`);
  const named = stderr.match(/same sound in both train and test/g)?.length;
  assert.deepEqual([named, /and 2 more duplicate sounds/.test(stderr)], [10, true]);
});

test('the headline, results.json and reports agree about the leaks of the donateacry devices', async (t) => {
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
  const named = stderr.match(/same sound in both train and test/g)?.length ?? 0;
  assert.equal(named, Math.min(10, leaks.sounds));
});

test('reports an unknown protocol as a usage error', async () => {
  const { code, stderr } = await run('corpus', 'none', '--protocol', 'magic');
  assert.equal(code, 2);
  assert.match(stderr, /magic[\s\S]*paper, paper-split, paper-folds, grouped, logo, predefined/);
});
