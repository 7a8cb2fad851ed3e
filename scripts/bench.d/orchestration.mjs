import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { openStore } from '../../packages/artifacts/dist/src/index.js';
import { Coordinator } from '../../packages/coordinator/dist/src/index.js';
import { encodeRecord, parseSpec, planRun, sha256, storeKeys } from '../../packages/core/dist/src/index.js';
import { Consumer, checkRedis, Queues, runPayload, workPayload } from '../../packages/queue/dist/src/index.js';
import { createLogger } from '../../packages/runtime/dist/src/index.js';
import { Cluster, findRedis } from '../../test/dist/src/cluster.js';
import { median } from './measure.mjs';

const require = createRequire(new URL('../../packages/queue/package.json', import.meta.url));
const { Queue, Worker } = require('bullmq');
const { Redis } = require('ioredis');

const PAIRS = 3;
/** The target for what a fold may cost besides its training, folds a second. */
const FIVE_MS = 200;

/** A plan of `count` folds of one SVM; nothing of it is ever trained. */
function noOpPlan(count, name) {
  const spec = parseSpec(`version: 1\nname: ${name}\nestimators: { cnn: { kind: small-cnn } }\n`, 'bench');
  const clips = Array.from({ length: 4 }, (_, i) => ({ id: `c${i}`, label: i % 2 ? 'a' : 'b', group: 'g' }));
  const manifest = { format: 1, name, contentHash: sha256(name), grouped: false, classes: ['a', 'b'], clips };
  // Distinct indices, so that each fold has a key of its own.
  const splits = Array.from({ length: count }, (_, i) => ({
    repeat: i,
    fold: 0,
    train: Int32Array.of(0, 1),
    test: Int32Array.of(2, i + 3),
  }));
  return planRun({ spec, manifest, splits });
}

const record = (key) =>
  encodeRecord({
    format: 1,
    key,
    attempt: 'x',
    probabilities: { key: 'x', sha256: sha256('x') },
    curve: [],
    seconds: 0,
    environment: {},
  });

/** Folds a second of a whole run: submitted, split up, each fold taken and committed, its end seen by the coordinator. */
async function ours(url, folder, count, workers, name) {
  const storeUrl = `file:${join(folder, name)}`;
  const store = openStore(storeUrl);
  const plan = noOpPlan(count, name);
  await store.put(storeKeys.plan(plan.run), encodeRecord(plan));
  const log = createLogger('bench', 'silent');
  const coordinator = await Coordinator.start({ redisUrl: url, storeUrl, s3: undefined, log });
  const times = [];
  const fold = {
    url,
    queue: 'gpu',
    schema: workPayload,
    concurrency: workers,
    maxStalledCount: 8,
    handle: async ({ key }) => {
      await store.putIfAbsent(storeKeys.result(key), record(key));
      times.push(performance.now());
    },
    onError: () => {},
  };
  const aggregate = {
    ...fold,
    queue: 'aggregate',
    schema: runPayload,
    handle: ({ run }) => store.put(storeKeys.results(run), new Uint8Array()),
  };
  const consumers = [new Consumer(fold), new Consumer(aggregate)];
  const queues = new Queues(url);
  await checkRedis(url);
  const started = performance.now();
  await queues.add('runs', [{ id: plan.run, payload: { format: 1, kind: 'run', run: plan.run } }]);
  while (!(await store.has(storeKeys.results(plan.run)))) await sleep(5);
  const rate = (1000 * count) / (performance.now() - started);
  await Promise.all(consumers.map((consumer) => consumer.close(true)));
  await coordinator.stop(0);
  await queues.close();
  await store.close();
  const thousand = (from) => (1000 * 999) / (times[from + 999] - times[from]);
  return { rate, first: thousand(0), last: thousand(count - 1000) };
}

/** Jobs a second of BullMQ alone, each with the same commit to the same kind of store. */
async function raw(port, folder, count, workers, name) {
  const store = openStore(`file:${join(folder, name)}`);
  const connection = () => new Redis({ port, host: '127.0.0.1', maxRetriesPerRequest: null });
  const [producing, consuming] = [connection(), connection()];
  const queue = new Queue(name, { connection: producing });
  const keys = Array.from({ length: count }, (_, i) => sha256(`${name}${i}`));
  let done = 0;
  let finish;
  const finished = new Promise((resolve) => {
    finish = resolve;
  });
  const handle = async ({ data }) => {
    await store.putIfAbsent(storeKeys.result(data.key), record(data.key));
    if (++done === count) finish();
  };
  const started = performance.now();
  const worker = new Worker(name, handle, { connection: consuming, concurrency: workers });
  for (let i = 0; i < count; i += 500) {
    const options = { removeOnComplete: true };
    await queue.addBulk(
      keys.slice(i, i + 500).map((key) => ({ name: 'fold', data: { key }, opts: { jobId: key, ...options } })),
    );
  }
  await finished;
  const rate = (1000 * count) / (performance.now() - started);
  await worker.close();
  await queue.close();
  producing.disconnect();
  consuming.disconnect();
  return rate;
}

/**
 * MiB of an idle coordinator and worker together, 8 s after their start: resident (`rss`), and with pages that processes
 * share counted once among them (`pss`; Linux only).
 */
async function idleMemory(url, folder) {
  const program = fileURLToPath(new URL('../../packages/cli/bin/cryfold.js', import.meta.url));
  const environment = { ...process.env, REDIS_URL: url, CRYFOLD_STORE: `file:${join(folder, 'idle')}` };
  const children = ['coordinator', 'worker'].map((role) => {
    return spawn(process.execPath, [program, role], { env: environment, stdio: 'ignore' });
  });
  await sleep(8000);
  const sum = async (file, line) => {
    const texts = await Promise.all(
      children.map(({ pid }) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '')),
    );
    return texts.reduce((mib, text) => mib + Number(line.exec(text)?.[1] ?? Number.NaN) / 1024, 0);
  };
  const memory = {
    rss: await sum('status', /VmRSS:\s+(\d+)/),
    pss: await sum('smaps_rollup', /^Pss:\s+(\d+)/m),
  };
  const ended = children.map((child) => new Promise((resolve) => child.once('exit', resolve)));
  for (const child of children) child.kill('SIGTERM');
  await Promise.all(ended);
  return memory;
}

export async function compare() {
  const program = await findRedis();
  if (!program) throw new Error('needs redis-server or valkey-server: run scripts/setup');
  const folder = await mkdtemp(join(tmpdir(), 'cryfold-bench-'));
  const cluster = await Cluster.start(folder, program);
  const url = `redis://127.0.0.1:${cluster.redisPort}`;
  const comparisons = [];
  const add = (name, mine, theirs, peer, unit, target, ratio = mine / theirs) =>
    comparisons.push({ name, ours: mine, theirs, peer, unit, ratio, target, ok: ratio >= target });
  try {
    await sleep(500);
    for (const workers of [1, 4, 16]) {
      const pairs = [];
      for (let pair = 0; pair <= PAIRS; pair++) {
        const mine = await ours(url, folder, 1000, workers, `ours-${workers}-${pair}`);
        pairs.push([mine.rate, await raw(cluster.redisPort, folder, 1000, workers, `raw-${workers}-${pair}`)]);
      }
      pairs.shift();
      const [mine, theirs] = [0, 1].map((side) => median(pairs.map((pair) => pair[side])));
      const ratio = median(pairs.map(([a, b]) => a / b));
      add(
        `1,000 no-op folds, ${workers} at once`,
        mine,
        theirs,
        'BullMQ alone with the same commit',
        'folds/s',
        0.5,
        ratio,
      );
    }
    const many = await ours(url, folder, 10_000, 4, 'ours-many');
    add('10,000 no-op folds, 4 at once', many.rate, FIVE_MS, '5 ms a fold', 'folds/s', 1);
    add('the last thousand of them', many.last, many.first, 'the first thousand', 'folds/s', 0.8);
    const memory = await idleMemory(url, folder);
    for (const [what, mib] of [
      ['resident', memory.rss],
      ['shared pages counted once', memory.pss],
    ]) {
      if (mib > 0) add(`idle coordinator and worker, ${what}`, 1024 / mib, 1024 / 150, '150 MiB', 'pairs a GiB', 1);
    }
    return comparisons;
  } finally {
    await cluster.stop();
    await rm(folder, { recursive: true, force: true });
  }
}
