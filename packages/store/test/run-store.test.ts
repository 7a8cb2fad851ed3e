import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { CryfoldError, FORMATS, sha256 } from '@cryfold/core';
import { type RunResults, repeatedKFold } from '@cryfold/evaluation';
import { parseSpec, planRun } from '@cryfold/plan';
import { FoldScores, openStore, RunStore } from '../src/index.js';

const clips = Array.from({ length: 6 }, (_, i) => ({ id: `${i}`, label: 'ab'[i % 2], group: `${i}` }));
const content = { name: 'small', contentHash: sha256('small'), grouped: true, classes: ['a', 'b'] };
const manifest = { format: 1 as const, ...content, clips };

function planOf(seed: number) {
  const spec = parseSpec('version: 1\nname: small\nestimators: { svm: { kind: svm } }\n', 'spec.yaml');
  spec.seed = seed;
  return planRun({ spec, manifest, splits: repeatedKFold(6, { splits: 3, repeats: 1, seed }) });
}

async function opened(t: TestContext): Promise<RunStore> {
  const folder = await mkdtemp(join(tmpdir(), 'cryfold-runs-'));
  t.after(() => rm(folder, { recursive: true }));
  const store = new RunStore(openStore(`file:${folder}`));
  await store.datasets.saveManifest(manifest);
  return store;
}
const coded = (code: string) => (error: unknown) => error instanceof CryfoldError && error.code === code;

test('lists a run as unfinished until it has results or is cancelled, and again after it is reopened', async (t) => {
  const store = await opened(t);
  const runs = [planOf(1), planOf(2), planOf(3)];
  for (const plan of runs) await store.runs.savePlan(plan);
  const [going, ended, cancelled] = runs.map(({ run }) => run);
  await store.runs.saveResults(ended, {} as RunResults, new Uint8Array());
  await store.runs.cancel(cancelled);
  // A folder that someone copied by hand, so its name is not a run id.
  await store.artifacts.put(`runs/${going}.copy/plan.json`, new Uint8Array());
  assert.deepEqual(await store.runs.unfinished(), [going]);
  assert.deepEqual(await store.runs.ids(), [going, ended, cancelled].sort());
  await store.runs.reopen(cancelled);
  assert.deepEqual(await store.runs.unfinished(), [going, cancelled].sort());
});

test('keeps the first of two commits of a fold, and can drop it so that the fold is trained again', async (t) => {
  const { folds } = await opened(t);
  const data = Float64Array.of(1, 0);
  const record = async (attempt: string) => ({
    ...{ format: FORMATS.fold, key: sha256('fold'), attempt, curve: [], seconds: 1, environment: {} },
    probabilities: await folds.saveMatrix(sha256('fold'), attempt, 'p.npy', { data, rows: 1, columns: 2 }),
  });
  assert.equal(await folds.commit(await record('0-a')), true);
  assert.equal(await folds.commit(await record('0-b')), false);
  const kept = (await folds.result(sha256('fold'))) ?? assert.fail();
  assert.equal(kept.attempt, '0-a');
  assert.deepEqual(await folds.scores(kept), data);
  await assert.rejects(folds.matrix(kept.probabilities, [2, 2]), coded('ARTIFACT_CORRUPT'));
  await folds.drop(sha256('fold'));
  assert.equal(await folds.result(sha256('fold')), undefined);
});

test('computes the score of a committed fold from its decision values, and reads the fold only once', async (t) => {
  const store = await opened(t);
  const plan = planOf(1);
  const [job] = plan.jobs;
  const scores = new FoldScores(store);
  assert.equal(await scores.read(plan, job), undefined);
  const { test: tested } = plan.splits[job.split];
  const matrix = async (file: string, right: boolean) => {
    const data = Float64Array.from(tested.flatMap((clip) => ((clip % 2 === 0) === right ? [1, 0] : [0, 1])));
    return store.folds.saveMatrix(job.key, '0-a', file, { data, rows: tested.length, columns: 2 });
  };
  await store.folds.commit({
    ...{ format: FORMATS.fold, key: job.key, attempt: '0-a', curve: [], seconds: 1, environment: {} },
    probabilities: await matrix('probabilities.npy', false),
    decisions: await matrix('decisions.npy', true),
  });
  assert.equal(await scores.read(plan, job), 1);
  await store.folds.drop(job.key);
  assert.equal(await scores.read(plan, job), 1);
  assert.equal(scores.get(job.key), 1);
});

test('reports the missing bytes of a fold instead of a score', async (t) => {
  const store = await opened(t);
  const plan = planOf(1);
  const [job] = plan.jobs;
  await store.folds.commit({
    ...{ format: FORMATS.fold, key: job.key, attempt: '0-a', curve: [], seconds: 1, environment: {} },
    probabilities: { key: `folds/${job.key}/0-a/p.npy`, sha256: sha256('gone') },
  });
  await assert.rejects(new FoldScores(store).read(plan, job), coded('ARTIFACT_MISSING'));
});
