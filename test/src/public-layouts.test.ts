import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { decodeResults } from '@cryfold/evaluation';
import { decodeManifest, decodePlan } from '@cryfold/plan';
import { cryfold, ownStore, temporaryFolder } from './command.js';
import { type PublicFile, putTones, smallEsc50, smallUrbanSound8k } from './public-corpora.js';
import { withoutRedis } from './testbed.js';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const path = (...parts: string[]) => join(folder.path, ...parts);

before(async () => {
  folder = await temporaryFolder();
  await writeFile(path('svm.yaml'), 'version: 1\nname: svm\nestimators: { svm: { kind: svm } }\n');
});
after(() => folder?.remove());

/**
 * Evaluates a corpus with its predefined folds. @returns the terminal output, the results, the plan and the manifest
 */
async function predefined(data: string) {
  const flags = ['--data', path(data), ...ownStore(path(`out-${data}`)), '--workers', '1'];
  flags.push('--protocol', 'predefined');
  const { code, stdout, stderr } = await cryfold(['run', path('svm.yaml'), ...flags]);
  assert.equal(code, 0, stderr);
  const results = decodeResults(await readFile(path(`out-${data}`, 'results.json')), 'results.json');
  const store = (...parts: string[]) => readFile(path(`out-${data}`, 'store', ...parts));
  const plan = decodePlan(await store('runs', results.run.id, 'plan.json'), 'plan');
  const manifest = decodeManifest(await store('datasets', plan.dataset.key, 'manifest.json'), 'manifest');
  return { stdout, stderr, results, plan, manifest };
}

/** Returns the splits of scikit-learn's PredefinedSplit, or undefined if scikit-learn is not installed. */
function oracle(folds: readonly number[]): { train: number[]; test: number[] }[] | undefined {
  const script =
    'import json,sys;from sklearn.model_selection import PredefinedSplit as P;' +
    'print(json.dumps([dict(train=a.tolist(),test=b.tolist()) for a,b in P(json.load(sys.stdin)).split()]))';
  const python = process.env.CRYFOLD_ORACLE_PYTHON ?? 'python3';
  const { status, stdout } = spawnSync(python, ['-c', script], { input: JSON.stringify(folds), encoding: 'utf8' });
  return status === 0 ? JSON.parse(stdout) : undefined;
}

const corpora: [string, (root: string) => Promise<PublicFile[]>, string[], string][] = [
  ['esc50', smallEsc50, ['dog', 'rooster'], 'src_file'],
  ['urbansound8k', smallUrbanSound8k, ['air_conditioner', 'car_horn'], 'fsID'],
];

for (const [name, make, classes, column] of corpora) {
  test(`runs ${name} with its own folds, which equal scikit-learn's PredefinedSplit`, {
    skip: withoutRedis,
  }, async (t) => {
    const files = new Map((await make(path(name))).map((one) => [one.file, one]));
    const { stdout, results, plan, manifest } = await predefined(name);
    assert.deepEqual(results.dataset.classes, classes);
    assert.deepEqual(results.dataset.groupSource, { kind: 'column', name: column });
    const own = manifest.clips.map(({ id }) => files.get(id.slice(0, id.lastIndexOf('#')))!);
    assert.deepEqual(
      manifest.clips.map(({ label, group, fold }) => [label, group, fold]),
      own.map(({ label, source, fold }) => [classes[label], `${source}`, `${fold}`]),
    );
    const folds = [...new Set(own.map(({ fold }) => fold))].sort((a, b) => a - b);
    const indices = own.map((_, i) => i);
    const splits = folds.map((fold) => ({
      train: indices.filter((i) => own[i].fold !== fold),
      test: indices.filter((i) => own[i].fold === fold),
    }));
    const planned = plan.splits.map(({ train, test }) => ({ train, test }));
    assert.deepEqual(planned, splits);
    const expected = oracle(own.map(({ fold }) => fold));
    if (expected) assert.deepEqual(planned, expected);
    else t.diagnostic('skipped the comparison with scikit-learn, which is not installed');
    assert.match(stdout, /^predefined folds: no group is in train and test$/m);
    assert.equal(results.models[0].accuracy?.count, folds.length);
  });
}

test('runs train and test folders as one split that tests only the test folder', { skip: withoutRedis }, async () => {
  const files = ['train', 'train', 'test'].flatMap((part, n) =>
    [0, 1].flatMap((label) => [0, 1].map((k) => ({ file: `${part}/${['low', 'high'][label]}/${n}${k}.wav`, label }))),
  );
  await putTones(path('split'), files);
  const { stdout, plan, manifest } = await predefined('split');
  const tested = manifest.clips.flatMap(({ id }, i) => (id.startsWith('test/') ? [i] : []));
  assert.deepEqual(
    plan.splits.map(({ test }) => test),
    [tested],
  );
  assert.equal(plan.splits[0].train.length, 8);
  assert.match(stdout, /^predefined folds: groups are not known/m);
});

test('--test-on trains on all of one corpus and tests on all of another, with one report', {
  skip: withoutRedis,
}, async () => {
  const files = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ file: `${['low', 'high'][i % 2]}/${i}.wav`, label: i % 2 }));
  await putTones(path('home'), files(10));
  await putTones(path('clinic'), files(6));
  // The files have the same names but contain different sounds.
  await putTones(path('clinic'), [...files(6)].reverse());
  const spec = 'version: 1\nname: svm\nprotocol: { folds: 2, repeats: 1 }\nestimators: { svm: { kind: svm } }\n';
  await writeFile(path('two.yaml'), spec);
  const run = (...flags: string[]) =>
    cryfold([
      'run',
      path('two.yaml'),
      '--data',
      path('home'),
      ...ownStore(path('crossed')),
      '--workers',
      '1',
      ...flags,
    ]);
  const { code, stdout, stderr } = await run('--test-on', path('clinic'));
  assert.equal(code, 0, stderr);
  assert.match(stdout, /under 2 protocols: home, 10 clips/);
  assert.match(stdout, /^B: home, tested on clinic: predefined folds: groups are not known.* 1 fold\)/m);
  assert.match(await readFile(path('crossed', 'protocols.html'), 'utf8'), /home, tested on clinic/);
  const results = decodeResults(await readFile(path('crossed', 'test-on', 'results.json')), 'results.json');
  const store = (...parts: string[]) => readFile(path('crossed', 'store', ...parts));
  const plan = decodePlan(await store('runs', results.run.id, 'plan.json'), 'plan');
  const { clips } = decodeManifest(await store('datasets', plan.dataset.key, 'manifest.json'), 'manifest');
  const idsOf = (indices: number[]) => indices.map((i) => clips[i].id.split('/')[0]);
  assert.deepEqual(
    plan.splits.map(({ train, test }) => [train.length, test.length]),
    [[10, 6]],
  );
  assert.deepEqual([...new Set(idsOf(plan.splits[0].test))], ['@clinic']);
  assert.ok(!idsOf(plan.splits[0].train).includes('@clinic'));
  await putTones(path('more'), [...files(2), { file: 'other/x.wav', label: 2 }]);
  const refused = await run('--test-on', path('more'), '--out', path('differing'), '--json');
  const { error } = JSON.parse(refused.stdout);
  assert.deepEqual([error.code, error.message], ['CLASSES_DIFFER', 'home has high, low; more has high, low, other']);
  assert.deepEqual(await readdir(path('differing', 'spec')).catch(() => []), [], 'nothing was trained');
});
