import assert from 'node:assert/strict';
import { cp, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { synthesizeCorpus } from '@cryfold/corpus';
import { decodeResults } from '@cryfold/evaluation';
import { cryfold, ownStore, temporaryFolder } from './command.js';

/**
 * Names of properties that every JavaScript object inherits, so that a plain lookup finds them even in an empty object.
 */
const CLASSES = ['__proto__', 'constructor', 'hasOwnProperty', 'toString', 'valueOf'];

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const path = (...parts: string[]) => join(folder.path, ...parts);

before(async () => {
  folder = await temporaryFolder();
  await synthesizeCorpus(path('chillanto'), { clips: 40, seed: 1 });
  await relabel(path('chillanto'), path('corpus'));
});
after(() => folder?.remove());

/** Writes a CSV manifest of a corpus whose classes and infants have these names. */
async function relabel(from: string, to: string): Promise<void> {
  await cp(from, to, { recursive: true });
  const files = (await readdir(to, { recursive: true })).filter((file) => file.endsWith('.wav')).sort();
  const labels = new Map<string, string>();
  const rows: string[] = [];
  for (const [i, file] of files.entries()) {
    const code = file.slice(-7, -4);
    const label = labels.get(code) ?? CLASSES[labels.size];
    labels.set(code, label);
    const own = `${label}-${i}.wav`;
    await rename(join(to, file), join(to, own));
    rows.push(`${own},${label},${i % 2 === 0 ? '__proto__' : `constructor${i}`},x`);
  }
  await writeFile(join(to, 'data.csv'), `path,label,group,constructor\n${rows.join('\n')}\n`);
}

const SPEC = `
version: 1
name: constructor
protocol: { folds: 2, repeats: 1 }
features: { height: 16, width: 16 }
estimators:
  constructor: { kind: svm, classWeight: { toString: 2, valueOf: 0.5 } }
  svm: { kind: svm, C: 10 }
fusion:
  both: { members: [constructor, svm] }
`;

test('accepts classes, groups, columns, estimators and runs that are named like object members', async () => {
  await writeFile(path('spec.yaml'), SPEC);
  const out = path('out');
  const run = await cryfold([
    'run',
    path('spec.yaml'),
    '--data',
    path('corpus', 'data.csv'),
    ...ownStore(out),
    '--json',
  ]);
  assert.equal(run.code, 0, run.stderr);
  const results = decodeResults(await readFile(join(out, 'results.json')), 'results.json');
  assert.deepEqual(
    results.models.map(({ name }) => name),
    ['constructor', 'svm', 'both'],
  );
  assert.deepEqual(
    results.dataset.perClass.map(({ label }) => label),
    CLASSES.slice(0, results.dataset.perClass.length),
  );
  assert.ok(results.dataset.perClass.length >= 4);
  for (const { complete, accuracy, logLoss, pooled } of results.models) {
    assert.ok(complete);
    for (const summary of [accuracy, logLoss]) assert.ok(Number.isFinite(summary?.mean), JSON.stringify(summary));
    assert.deepEqual(
      pooled?.perClass.map(({ label }) => label),
      CLASSES.slice(0, results.dataset.perClass.length),
    );
  }
  const status = await cryfold(['status', results.run.id, '--store', join(out, 'store'), '--json']);
  assert.equal(status.code, 0, status.stderr);
  const { trials } = JSON.parse(status.stdout);
  assert.deepEqual(Object.entries(trials).sort(), [
    ['constructor', { total: 2, done: 2, failed: 0 }],
    ['svm', { total: 2, done: 2, failed: 0 }],
  ]);
  for (const format of ['html', 'md']) {
    const report = await cryfold(['report', out, '--format', format]);
    assert.equal(report.code, 0, report.stderr);
    assert.doesNotMatch(report.stdout, /native code/, format);
    if (format === 'md') assert.doesNotMatch(report.stdout, /NaN|undefined/);
  }
});

test('predicts classes that are named like object members with a final model', async () => {
  const out = path('out');
  const { run } = decodeResults(await readFile(join(out, 'results.json')), 'results.json');
  const store = { CRYFOLD_STORE: `file:${join(out, 'store')}` };
  const trained = await cryfold(['train-final', run.id, '--of', 'constructor', '--name', 'constructor'], store);
  assert.equal(trained.code, 0, trained.stderr);
  const [file] = (await readdir(path('corpus'))).filter((name) => name.endsWith('.wav'));
  const { models } = JSON.parse((await cryfold(['models', 'list', '--json'], store)).stdout);
  const [version] = models[0].versions;
  const model = `constructor@${version.version}`;
  const { stdout, stderr, code } = await cryfold(['predict', model, path('corpus', file), '--json'], store);
  assert.equal(code, 0, stderr);
  const [{ mean }] = JSON.parse(stdout).predictions;
  const values = Object.entries<number>(mean.probabilities);
  assert.equal(values.length, version.data.classes.length);
  assert.ok(Math.abs(values.reduce((sum, [, value]) => sum + value, 0) - 1) < 1e-6, JSON.stringify(values));
});
