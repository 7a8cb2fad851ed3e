import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { CryfoldError, FORMATS, sha256 } from '@cryfold/core';
import { type RunResults, repeatedKFold } from '@cryfold/evaluation';
import { initialScheduling, parseSpec, planRun } from '@cryfold/plan';
import { openStore, RunStore, weightsReference } from '../src/index.js';

async function opened(t: TestContext): Promise<RunStore> {
  const folder = await mkdtemp(join(tmpdir(), 'cryfold-records-'));
  t.after(() => rm(folder, { recursive: true }));
  return new RunStore(openStore(`file:${folder}`));
}
const coded = (code: string) => (error: unknown) => error instanceof CryfoldError && error.code === code;
const hash = sha256('x');

const clips = Array.from({ length: 6 }, (_, i) => ({ id: `${i}`, label: 'ab'[i % 2], group: `${i}` }));
const manifest = { format: 1 as const, name: 'small', contentHash: hash, grouped: true, classes: ['a', 'b'], clips };
const spec = parseSpec('version: 1\nname: small\nestimators: { svm: { kind: svm } }\n', 'spec.yaml');
const plan = planRun({ spec, manifest, splits: repeatedKFold(6, { splits: 3, repeats: 1, seed: 0 }) });

test('checks and pings a store', async (t) => {
  const store = await opened(t);
  await store.check();
  await store.ping();
  await store.close();
});

test('stores a feature set as an array of images or vectors', async (t) => {
  const { datasets } = await opened(t);
  assert.equal(await datasets.hasFeatures(hash), false);
  await assert.rejects(datasets.features(hash), coded('ARTIFACT_MISSING'));
  const images = { data: Uint8Array.from({ length: 12 }, (_, i) => i), shape: [1, 2, 2, 3] };
  await datasets.saveFeatures(hash, images);
  assert.equal(await datasets.hasFeatures(hash), true);
  assert.deepEqual(await datasets.features(hash), images);
  assert.deepEqual(await datasets.images(hash), images);
  const vectors = { data: Float32Array.of(1, 2, 3, 4), shape: [2, 2] };
  await datasets.saveFeatures(sha256('y'), vectors);
  assert.equal(await datasets.hasFeatures(sha256('y')), true);
  assert.deepEqual(await datasets.features(sha256('y')), vectors);
});

test('returns shared sounds once clips have been compared, and replaces a damaged record', async (t) => {
  const { artifacts, datasets } = await opened(t);
  assert.equal(await datasets.sharedSounds(hash), undefined);
  assert.equal(await datasets.audit(hash), undefined);
  await artifacts.put(`datasets/${hash}/sounds.json`, Buffer.from('{'));
  await assert.rejects(datasets.sharedSounds(hash), coded('JOB_INVALID'));
  await datasets.saveSharedSounds(hash, [[0, 2]]);
  assert.deepEqual(await datasets.sharedSounds(hash), [[0, 2]]);
});

test('never replaces a record of a newer cryfold version', async (t) => {
  const { artifacts, datasets, runs } = await opened(t);
  const newer = Buffer.from(JSON.stringify({ format: 99 }));
  for (const [key, save] of [
    [`datasets/${hash}/sounds.json`, () => datasets.saveSharedSounds(hash, [])],
    [`datasets/${hash}/manifest.json`, () => datasets.saveManifest(manifest)],
    [`runs/${plan.run}/plan.json`, () => runs.savePlan(plan)],
    [`runs/${plan.run}/scheduling.json`, () => runs.saveScheduling(plan.run, initialScheduling(spec))],
  ] as const) {
    await artifacts.put(key, newer);
    await assert.rejects(save(), coded('FORMAT_NEWER'), key);
    assert.deepEqual(Buffer.from((await artifacts.get(key)) ?? []), newer, key);
  }
});

test('stores weights only once, under their hash', async (t) => {
  const { weights, artifacts } = await opened(t);
  let reads = 0;
  const content = async function* () {
    reads++;
    yield Buffer.from('x');
  };
  assert.equal(await weights.has(hash), false);
  assert.equal(await weights.put(hash, content), true);
  assert.equal(await weights.put(hash, content), false);
  assert.equal(reads, 1);
  assert.equal(await artifacts.has(weights.key(hash)), true);
  assert.equal(weightsReference(hash), `store:weights/${hash}.h5#sha256=${hash}`);
});

test('lists the logs of all attempts of a fold, and all files of a result', async (t) => {
  const { folds, artifacts } = await opened(t);
  const fold = sha256('fold');
  const key = await folds.saveLog(fold, '0-a', Buffer.from('épuisé'));
  await artifacts.put(`folds/${fold}/0-a/log.txt.old`, Buffer.from('other'));
  const found = [];
  for await (const { attempt, key: name, read } of folds.logs(fold)) found.push([attempt, name, await read()]);
  assert.deepEqual(found, [['0-a', key, 'épuisé']]);
  const [probabilities, decisions, file] = ['p', 'd', 'm'].map((name) => ({ key: name, sha256: hash }));
  const result = { format: FORMATS.fold, key: fold, attempt: '0-a', curve: [], seconds: 1, environment: {} };
  assert.deepEqual(folds.keysOf({ ...result, probabilities }), [`folds/${fold}/result.json`, 'p']);
  assert.deepEqual(folds.keysOf({ ...result, probabilities, decisions, model: [file] }).slice(1), ['p', 'd', 'm']);
  assert.equal(folds.modelFolder(fold, '0-a'), `folds/${fold}/0-a/model/`);
});

test('stores the plan, results and reports of a run, each with its time', async (t) => {
  const { runs, artifacts } = await opened(t);
  for (const name of [plan.run, '../x', 'A', '']) {
    assert.equal(await runs.has(name), false);
    assert.equal(await runs.planInfo(name), undefined);
    await assert.rejects(runs.plan(name), coded('RUN_NOT_FOUND'));
  }
  assert.equal(await runs.lastUsed(plan.run), undefined);
  await runs.savePlan(plan);
  assert.equal(await runs.has(plan.run), true);
  const stored = await runs.plan(plan.run);
  assert.deepEqual([stored.plan.run, stored.search, stored.next], [plan.run, undefined, 0]);
  assert.equal(await runs.hasGrown(stored), false);
  assert.deepEqual([await runs.endedAt(plan.run), await runs.results(plan.run)], [undefined, undefined]);
  await assert.rejects(runs.resultsFile(plan.run), coded('ARTIFACT_MISSING'));
  await runs.saveResults(plan.run, {} as RunResults, Buffer.from('id\n'));
  assert.equal(await runs.hasResults(plan.run), true);
  assert.deepEqual(await runs.withResults(), [plan.run]);
  const files = await runs.resultFiles(plan.run);
  assert.deepEqual([Buffer.from(files.results).toString(), Buffer.from(files.outOfFold).toString()], ['{}', 'id\n']);
  await assert.rejects(runs.results(plan.run), coded('JOB_INVALID'));
  await runs.saveReport(plan.run, '<p>', 'table');
  await runs.saveProtocols(plan.run, '<b>');
  for (const [name, text] of Object.entries({ 'report.html': '<p>', 'table.txt': 'table', 'protocols.html': '<b>' }))
    assert.equal(Buffer.from((await artifacts.get(`runs/${plan.run}/${name}`)) ?? []).toString(), text);
  const ended = (await runs.endedAt(plan.run)) ?? assert.fail();
  const used = (await runs.lastUsed(plan.run)) ?? assert.fail();
  assert.ok(used >= ended);
});

test('uses the scheduling in the spec until it is changed, or if the record of the change is damaged', async (t) => {
  const { runs, artifacts } = await opened(t);
  const initial = initialScheduling(spec);
  assert.deepEqual(await runs.scheduling(plan), initial);
  await runs.saveScheduling(plan.run, { ...initial, paused: true });
  assert.deepEqual(await runs.scheduling(plan), { ...initial, paused: true });
  await artifacts.put(`runs/${plan.run}/scheduling.json`, Buffer.from('{'));
  assert.deepEqual(await runs.scheduling(plan), initial);
});

test('returns the other failures of a run if the record of one failure is unreadable', async (t) => {
  const { runs, artifacts } = await opened(t);
  const error = new CryfoldError('SVM_ONE_CLASS', 'x').toRecord();
  const failure = { format: FORMATS.failure, key: sha256('a'), trial: 'svm', error };
  await runs.saveFailure(plan.run, failure);
  await artifacts.put(`runs/${plan.run}/failures/${sha256('b')}.json`, Buffer.from('{'));
  assert.deepEqual(await runs.failures(plan.run), [failure]);
  assert.deepEqual(await runs.failure(plan.run, sha256('a')), failure);
  assert.equal(await runs.failure(plan.run, sha256('c')), undefined);
  await assert.rejects(runs.failure(plan.run, sha256('b')), coded('JOB_INVALID'));
});
