import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Aggregator, aggregate } from '@cryfold/aggregator';
import { Coordinator } from '@cryfold/coordinator';
import { CryfoldError, decodeRecord, encodeRecord, FORMATS, sha256 } from '@cryfold/core';
import { resultsSchema } from '@cryfold/evaluation';
import { promotionSchema } from '@cryfold/model-registry';
import {
  cancelledSchema,
  decodeManifest,
  decodePlan,
  finalRequestSchema,
  finalResultSchema,
  foldFailureSchema,
  foldResultSchema,
  type RunPlan,
  searchRecordSchema,
} from '@cryfold/plan';
import { Consumer, failureOf, Queues, runPayload, type WorkPayload, workPayload } from '@cryfold/queue';
import { createLogger } from '@cryfold/runtime';
import { type ArtifactStore, openStore, RunStore } from '@cryfold/store';
import { type RawRecord, rawRecords } from '@cryfold/store/testing';
import { z } from 'zod';
import { cryfold, temporaryFolder, until } from './command.js';
import { writeRandomRun } from './random-run.js';
import { RedisProcess } from './redis.js';
import { started } from './start-service.js';

let redis: RedisProcess;
let queues: Queues;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let store: ArtifactStore;
let runStore: RunStore;
const storeUrl = () => `file:${folder.path}/store`;

before(async () => {
  redis = await RedisProcess.start();
  queues = new Queues(redis.url);
  folder = await temporaryFolder();
  store = openStore(storeUrl());
  runStore = new RunStore(store);
});
after(async () => {
  await queues.close();
  await redis.remove();
  await folder.remove();
});

const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);
const coded = (code: string) => (error: unknown) => error instanceof CryfoldError && error.code === code;

/** Rewrites a record with another format number, as another version would. */
async function rewrite(record: RawRecord, format: number): Promise<string> {
  const old = JSON.parse(text(await record.read()));
  await record.write({ ...old, format, ...(format > 1 ? { invented: 'later' } : {}) });
  return text(await record.read());
}

/**
 * The schemas of job payloads in a hypothetical next version, which has a new format for fold jobs but still reads the
 * current one.
 */
const id = z.string();
const foldOfNext = z.strictObject({
  format: z.literal(2),
  kind: z.literal('fold'),
  fold: z.strictObject({ run: id, key: id }),
});
const payloadOfNext = z.union([
  foldOfNext.transform(({ fold }) => fold.key),
  workPayload.transform((payload) => (payload.kind === 'fold' ? payload.key : payload.trial)),
]);

test('each of two versions processes the jobs that it can read, and no job is lost, fails or runs twice', async () => {
  const names = Array.from({ length: 12 }, (_, i) => sha256(`fold ${i}`));
  const ofNext = new Set(names.filter((_, i) => i % 3 === 1));
  const ended: { key: string; by: string }[] = [];
  const told: Error[] = [];
  const common = { url: redis.url, queue: 'gpu', concurrency: 2, maxStalledCount: 8 } as const;
  const request = (key: string) => {
    const payload = ofNext.has(key)
      ? { format: 2, kind: 'fold', fold: { run: 'r', key } }
      : { format: 1, kind: 'fold', run: 'r', key };
    return { id: key, payload: payload as unknown as WorkPayload };
  };
  const old = new Consumer<WorkPayload>({
    ...{ ...common, schema: workPayload },
    handle: async (payload) => {
      assert.equal(payload.kind, 'fold');
      ended.push({ key: 'key' in payload ? payload.key : '', by: 'old' });
    },
    onError: (error) => told.push(error),
  });
  const added = Date.now();
  await queues.add('gpu', names.map(request));
  await until('the old version to finish the jobs that it can read', () => ended.length === names.length - ofNext.size);
  const [vendor] = queues.vendorQueues().filter(({ name }) => name === 'gpu');
  await until('the old version to check again', async () => {
    const jobs = await Promise.all([...ofNext].map((key) => vendor.getJob(key)));
    return jobs.every((job) => job && job.attemptsStarted >= 2);
  });
  const seconds = (Date.now() - added) / 1000;
  assert.equal((await queues.failures('gpu', names)).size, 0);
  assert.deepEqual(await queues.liveIds('gpu'), ofNext);
  for (const key of ofNext) {
    const job = await vendor.getJob(key);
    assert.equal(job?.attemptsMade, 0, 'no attempt is counted');
    assert.ok(job.attemptsStarted <= 1 + seconds / 0.5, `busy loop: ${job.attemptsStarted} times in ${seconds} s`);
  }
  assert.deepEqual(
    told.map((error) => (error as CryfoldError).context.artifact).sort(),
    [...ofNext].map((key) => `job ${key}`).sort(),
  );
  assert.ok(told.every(coded('FORMAT_NEWER')));

  const next = new Consumer<string>({
    ...{ ...common, schema: payloadOfNext },
    handle: async (key) => {
      // Jobs take some time, so that one consumer does not process all of them.
      await sleep(20);
      ended.push({ key, by: 'next' });
    },
    onError: (error) => told.push(error),
  });
  const more = Array.from({ length: 40 }, (_, i) => sha256(`more ${i}`));
  await queues.add('gpu', more.map(request));
  await until('all jobs to be done', () => ended.length >= names.length + more.length, 90);
  await until('an empty queue', async () => (await queues.liveIds('gpu')).size === 0);
  await Promise.all([old.close(), next.close()]);
  assert.deepEqual(ended.map(({ key }) => key).sort(), [...names, ...more].sort(), 'each job ran exactly once');
  for (const { key, by } of ended) if (ofNext.has(key)) assert.equal(by, 'next');
  assert.ok(
    ended.some(({ key, by }) => by === 'next' && !ofNext.has(key)),
    'the next version reads the previous format',
  );
  assert.equal((await queues.counts('gpu')).failed, 0);
});

test('stops the aggregator at a newer fold record, which is kept and does not count as damage', async () => {
  const plan = await writeRandomRun(store, { clips: 30, repeats: 1, name: 'fold' });
  const record = rawRecords(store).fold(plan.jobs[0].key);
  const kept = await rewrite(record, FORMATS.fold + 1);
  await assert.rejects(aggregate(runStore, plan.run), coded('FORMAT_NEWER'));
  assert.equal(text(await record.read()), kept);
  assert.equal(await runStore.runs.hasResults(plan.run), false);
});

test('an older version reports a newer run, and neither deletes nor replaces its data', async () => {
  const newer = (await writeRandomRun(store, { clips: 30, repeats: 1, name: 'newer' })).run;
  await store.put('folds/orphan/0-a/probabilities.npy', new Uint8Array(8));
  const record = rawRecords(store).plan(newer);
  const kept = await rewrite(record, FORMATS.plan + 1);
  const keys = async () => {
    const found: string[] = [];
    for await (const name of store.list('')) found.push(name);
    return found.sort();
  };
  const had = await keys();
  const environment = { CRYFOLD_STORE: storeUrl() };
  const list = await cryfold(['list'], environment);
  assert.match(list.stdout, new RegExp(`^${newer} +newer `, 'm'));
  for (const command of [
    ['status', newer],
    ['gc', '--older-than', '0', '--delete'],
    ['retry', newer],
    ['cancel', newer],
  ]) {
    const { code, stdout, stderr } = await cryfold(command, environment);
    assert.equal(code, 1, `${command}: ${stdout}${stderr}`);
    assert.match(stderr, /FORMAT_NEWER/, `${command}`);
  }
  assert.deepEqual(await keys(), had);
  assert.equal(text(await record.read()), kept);
});

test('distinguishes newer formats from damage for all records', () => {
  const schemas = {
    ...{ workPayload, runPayload, foldResultSchema, foldFailureSchema, finalResultSchema, finalRequestSchema },
    ...{ searchRecordSchema, cancelledSchema, resultsSchema, promotionSchema },
  };
  const readers = {
    ...{ plan: decodePlan, manifest: decodeManifest },
    ...Object.fromEntries(
      Object.entries(schemas).map(([name, schema]) => [
        name,
        (bytes: Uint8Array) => decodeRecord(schema as z.ZodType, bytes, name),
      ]),
    ),
  };
  for (const [name, decode] of Object.entries(readers)) {
    assert.throws(() => decode(encodeRecord({ format: 9, kind: 'fresh' }), name), coded('FORMAT_NEWER'), name);
    for (const format of [0, -1, 1, 1.5, '2', null, [2]]) {
      assert.throws(() => decode(encodeRecord({ format }), name), coded('JOB_INVALID'), `${name} ${format}`);
    }
    assert.throws(() => decode(encodeRecord([]), name), coded('JOB_INVALID'), name);
  }
  assert.equal(failureOf(JSON.stringify(new CryfoldError('FORMAT_NEWER', 'm').toRecord())).failure, 'infrastructure');
});

test('coordinator and aggregator ignore a newer run with one log message, and continue others', async () => {
  const options = { clips: 60, repeats: 1 };
  const plans: Record<'plain' | 'fold' | 'plan', RunPlan> = {
    plain: await writeRandomRun(store, { ...options, name: 'plain' }),
    fold: await writeRandomRun(store, { ...options, name: 'fold' }),
    plan: await writeRandomRun(store, { ...options, name: 'plan' }),
  };
  const plan = rawRecords(store).plan(plans.plan.run);
  const fold = rawRecords(store).fold(plans.fold.jobs[0].key);
  const planBytes = await plan.read();
  const newer = {
    [plan.key]: await rewrite(plan, FORMATS.plan + 1),
    [fold.key]: await rewrite(fold, FORMATS.fold + 1),
  };
  // This job has the current format, as if an older coordinator had enqueued it, so only the plan of its run is newer.
  const { key, queue } = plans.plan.jobs[0];
  await queues.add(queue, [{ id: key, payload: { format: 1, kind: 'fold', run: plans.plan.run, key } }]);

  const said: { role: string; err?: { code: string; message: string } }[] = [];
  const write = (line: string) => void said.push(JSON.parse(line));
  const common = { redisUrl: redis.url, store: runStore };
  const of = (role: string) => ({ ...common, log: createLogger(role, 'warn', { destination: { write } }) });
  const services = [await started(new Coordinator(of('coordinator'))), await started(new Aggregator(of('aggregator')))];
  const sayNewer = (role: string) => said.filter((line) => line.role === role && line.err?.code === 'FORMAT_NEWER');
  await until('the plain run to finish', () => runStore.runs.hasResults(plans.plain.run));
  for (const role of ['coordinator', 'aggregator']) await until(role, () => sayNewer(role).length > 0);
  // Leaves time for retries. Each service must log the problem only once, and change nothing.
  await sleep(3000);
  await Promise.all(services.map((service) => service.stop(0)));
  for (const role of ['coordinator', 'aggregator']) {
    const [key, reads] = role === 'aggregator' ? [fold.key, FORMATS.fold] : [plan.key, FORMATS.plan];
    const words = sayNewer(role).filter(({ err }) => err?.message.startsWith(key));
    assert.deepEqual(
      words.map(({ err }) => err?.message),
      [`${key} has format ${reads + 1}; this version reads formats up to ${reads}`],
    );
  }
  for (const [name, bytes] of Object.entries(newer)) assert.equal(text(await store.get(name)), bytes);
  for (const run of [plans.fold.run, plans.plan.run]) {
    assert.equal(await runStore.runs.hasResults(run), false);
    assert.deepEqual(await runStore.runs.failures(run), []);
  }
  for (const name of ['runs', 'aggregate', 'gpu', 'cpu'] as const) assert.equal((await queues.counts(name)).failed, 0);
  assert.ok((await queues.liveIds(queue)).has(key), 'the job is still waiting');

  // After an upgrade, a process that can read the format continues with the same job.
  await plan.write(planBytes);
  const upgraded = await started(new Aggregator(of('upgraded')));
  await queues.add('aggregate', [{ id: plans.plan.run, payload: { format: 1, kind: 'run', run: plans.plan.run } }]);
  await until('the run to finish', () => runStore.runs.hasResults(plans.plan.run));
  await upgraded.stop(0);
});
