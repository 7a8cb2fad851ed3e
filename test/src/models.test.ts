import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { synthesizeCorpus } from '@cryfold/corpus';
import { cryfold, ownStore, temporaryFolder } from './command.js';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;

before(async () => {
  folder = await temporaryFolder();
  await synthesizeCorpus(join(folder.path, 'corpus'), { clips: 60, seed: 2 });
});
after(() => folder.remove());

const SPEC = `
version: 1
name: models
protocol: { folds: 3, repeats: 1 }
nulls: 1
estimators:
  small: { kind: small-cnn, epochs: 3, learningRate: 1e-3, filters: [4, 4, 4], dense: [8] }
  svm: { kind: svm }
`;

interface Result {
  model?: { key: string; sha256: string }[];
  curve: { testLoss: number }[];
}

/** Runs the spec, and writes its output to the folder `out`. @returns the results of its folds by trial */
async function run(out: string, spec: string): Promise<Map<string, Result[]>> {
  const path = join(folder.path, 'spec.yaml');
  await writeFile(path, spec);
  const args = [
    '--data',
    join(folder.path, 'corpus'),
    ...ownStore(join(folder.path, out)),
    '--force',
    '--workers',
    '1',
    '--json',
  ];
  const { code, stdout, stderr } = await cryfold(['run', path, ...args]);
  assert.equal(code, 0, stderr);
  const store = join(folder.path, out, 'store');
  const plan = JSON.parse(await readFile(join(store, 'runs', JSON.parse(stdout).run.id, 'plan.json'), 'utf8'));
  const trials = new Map<string, Result[]>();
  for (const { key, trial, shuffle } of plan.jobs) {
    const result = JSON.parse(await readFile(join(store, 'folds', key, 'result.json'), 'utf8'));
    // Models that were trained on shuffled labels must not be kept.
    if (shuffle !== undefined) assert.equal(result.model, undefined);
    else trials.set(trial, [...(trials.get(trial) ?? []), result]);
  }
  return trials;
}

const FROZEN = `  frozen: { kind: tl-resnet50, backbone: frozen, epochs: 2, dense: [8] }
keepModels: all
`;

async function models(out: string): Promise<string[]> {
  const store = join(folder.path, out, 'store');
  const entries = await readdir(store, { recursive: true });
  return entries.filter((entry) => entry.endsWith('model.json'));
}

async function collect(out: string): Promise<void> {
  const { code, stderr } = await cryfold([
    'gc',
    '--store',
    join(folder.path, out, 'store'),
    '--older-than',
    '0',
    '--delete',
  ]);
  assert.equal(code, 0, stderr);
}

test('keepModels: all saves every network with its hashes, and gc keeps them', async () => {
  const trials = await run('all', SPEC.replace('folds: 3', 'folds: 2') + FROZEN);
  for (const trial of ['small', 'frozen']) {
    for (const { model } of trials.get(trial) ?? []) {
      assert.deepEqual(
        model?.map(({ key }) => key.split('/').slice(-2).join('/')),
        ['model/model.json', 'model/weights.bin', 'model/weights.h5'],
      );
      for (const { key, sha256 } of model ?? []) {
        const bytes = await readFile(join(folder.path, 'all', 'store', key));
        assert.equal(createHash('sha256').update(bytes).digest('hex'), sha256, key);
      }
    }
  }
  assert.ok(trials.get('svm')?.every(({ model }) => model === undefined));
  await collect('all');
  assert.equal((await models('all')).length, 4);
});

test('keepModels: best keeps the network with the lowest test log-loss, and gc removes the others', async () => {
  const trials = await run('best', `${SPEC}keepModels: best\n`);
  const results = trials.get('small') ?? [];
  assert.equal(results.length, 3);
  const best = results.reduce((a, b) => ((b.curve.at(-1)?.testLoss ?? 0) < (a.curve.at(-1)?.testLoss ?? 0) ? b : a));
  await collect('best');
  assert.deepEqual(await models('best'), [best.model?.[0].key]);
});

test('shares folds between a run that keeps networks and one that does not', async () => {
  const before = await run('best', SPEC);
  assert.equal((await models('best')).length, 1);
  await collect('best');
  assert.equal((await models('best')).length, 1, 'the earlier run still needs its model');
  const none = await run('none', SPEC);
  assert.deepEqual(await models('none'), []);
  assert.equal(none.get('small')?.[0].curve[2].testLoss, before.get('small')?.[0].curve[2].testLoss);
});
