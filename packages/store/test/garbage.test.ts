import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { FORMATS, sha256 } from '@cryfold/core';
import { type DatasetManifest, type FoldResult, parseSpec, planRun, type RunPlan } from '@cryfold/plan';
import { deleteGarbage, findGarbage, openStore, RunStore } from '../src/index.js';

const root = await mkdtemp(join(tmpdir(), 'cryfold-garbage-'));
after(() => rm(root, { recursive: true, force: true }));

const LATER = Date.now() + 3_600_000;
const BYTES = new Uint8Array([1]);

function svmPlan(name: string): RunPlan {
  const spec = parseSpec(
    `version: 1\nname: ${name}\nprotocol: {splitter: RepeatedKFold, folds: 2, repeats: 1}\nestimators: {svm: {kind: svm}}`,
    'spec.yaml',
  );
  const clips = Array.from({ length: 4 }, (_, i) => ({ id: `c${i}`, label: i < 2 ? 'a' : 'b', group: `g${i}` }));
  const contentHash = sha256(new TextEncoder().encode(name));
  const splits = [0, 1].map((fold) => ({
    ...{ repeat: 0, fold },
    train: Int32Array.from([fold, fold + 2]),
    test: Int32Array.from([1 - fold, 3 - fold]),
  }));
  const manifest: DatasetManifest = {
    ...{ format: FORMATS.manifest, name, contentHash, grouped: true, classes: ['a', 'b'], clips },
  };
  return planRun({ spec, manifest, splits });
}

function resultOf(key: string, attempt: string): FoldResult {
  const probabilities = { key: `folds/${key}/${attempt}/probabilities.npy`, sha256: sha256(BYTES) };
  return { format: FORMATS.fold, key, attempt, probabilities, curve: [], seconds: 1, environment: {} };
}

/** A store that contains one run with one committed fold, and some unreferenced objects. */
async function storeWithGarbage(folder: string) {
  const store = new RunStore(openStore(`file:${join(root, folder)}`));
  const plan = svmPlan('kept');
  const [first, second] = plan.jobs.map(({ key }) => key);
  await store.runs.savePlan(plan);
  await store.folds.commit(resultOf(first, 'won'));
  const { artifacts } = store;
  const put = (keys: string[]) => Promise.all(keys.map((key) => artifacts.put(key, BYTES)));
  const version = 'ab'.repeat(8);
  await artifacts.put('models/voices/card.json', new TextEncoder().encode(JSON.stringify({ run: version })));
  const kept = [
    `runs/${plan.run}/plan.json`,
    'models/voices/card.json',
    `folds/${first}/result.json`,
    `folds/${first}/won/probabilities.npy`,
    `folds/${first}/lost/log.txt`,
    // No attempt at this fold has been committed yet, so any of its attempts may still be committed.
    `folds/${second}/open/probabilities.npy`,
    `features/${plan.features.key}/images.npy`,
    `datasets/${plan.dataset.key}/manifest.json`,
    'features/latest-gram-16200.json',
    // A model card refers to this object.
    `finals/${version}/result.json`,
  ];
  const garbage = [
    `folds/${first}/lost/probabilities.npy`,
    // The spec does not ask to keep models.
    `folds/${first}/won/model/weights.bin`,
    `folds/${'9'.repeat(64)}/result.json`,
    'features/other/images.npy',
    'datasets/other/manifest.json',
    `weights/${'8'.repeat(64)}.h5`,
  ];
  await put([...kept.slice(3), ...garbage]);
  return { store, plan, kept, garbage };
}

async function keysOf(store: RunStore): Promise<string[]> {
  const keys: string[] = [];
  for await (const key of store.artifacts.list('')) keys.push(key);
  return keys.sort();
}

test('finds and deletes only objects that neither a run nor a model refers to', async () => {
  const { store, kept, garbage } = await storeWithGarbage('all');
  const found = await findGarbage(store, LATER);
  assert.deepEqual(
    found.objects.map(({ key }) => key),
    [...garbage].sort(),
  );
  assert.deepEqual([found.young, found.unreadable], [0, []]);
  assert.deepEqual(await keysOf(store), [...kept, ...garbage].sort());
  await deleteGarbage(store, found);
  assert.deepEqual(await keysOf(store), [...kept].sort());
});

test('counts objects that changed after the time limit separately, and keeps them', async () => {
  const { store, garbage } = await storeWithGarbage('young');
  const { objects, young } = await findGarbage(store, Date.now() - 3_600_000);
  assert.deepEqual([objects, young], [[], garbage.length]);
});

test('finds no garbage while the record of a run or model cannot be read', async () => {
  const { store, plan } = await storeWithGarbage('damaged');
  await store.artifacts.put('runs/orphan/failures/x.json', BYTES);
  await store.artifacts.put('models/voices/card.json', new TextEncoder().encode('{'));
  await writeFile(join(root, 'damaged', 'runs', plan.run, 'plan.json'), '{');
  const { objects, unreadable } = await findGarbage(store, LATER);
  assert.deepEqual(objects, []);
  assert.equal(unreadable.length, 3);
  assert.match(unreadable[0], /plan\.json/);
  assert.match(unreadable[1], /runs\/orphan\/plan\.json: missing/);
  assert.match(unreadable[2], /models\/voices\/card\.json: not JSON/);
});

test('finds no garbage in a store that contains a run of a newer version', async () => {
  const { store } = await storeWithGarbage('newer');
  await store.artifacts.put('runs/newer-1/plan.json', new TextEncoder().encode('{"format":99}'));
  await assert.rejects(findGarbage(store, LATER), { code: 'FORMAT_NEWER' });
});
