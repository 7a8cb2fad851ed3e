import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { sha256 } from '../../packages/core/dist/src/index.js';
import { openStore, storeKeys } from '../../packages/store/dist/src/index.js';
import { median } from './measure.mjs';
import { endRuns, quantile, record, residentMib, runToEnd, startCoordinator, takeFolds } from './no-op.mjs';

const require = createRequire(new URL('../../packages/queue/package.json', import.meta.url));
const { Queue, Worker } = require('bullmq');
const { Redis } = require('ioredis');

const PAIRS = 3;
const WORKERS = [1, 4, 16];
/** The target for what a fold may cost besides its training, folds a second. */
const FIVE_MS = 200;

/**
 * A whole run: submitted, split up by a coordinator process, each fold taken and committed, its end seen and
 * aggregated. Answers folds a second, of all and of the first and last thousand, and the milliseconds between the end of
 * a fold and the start of the next (which only mean something where one is taken at a time).
 */
async function ours({ url, storeUrl }, count, workers, name) {
  const store = openStore(storeUrl);
  const [ends, gaps] = [[], []];
  const consumers = [
    endRuns(url, store),
    takeFolds(url, workers, async ({ key }) => {
      if (ends.length > 0) gaps.push(performance.now() - ends.at(-1));
      await store.putIfAbsent(storeKeys.result(key), record(key));
      ends.push(performance.now());
    }),
  ];
  const { seconds } = await runToEnd(url, storeUrl, count, name);
  await Promise.all(consumers.map((consumer) => consumer.close(true)));
  await store.close();
  const thousand = (from) => (1000 * 999) / (ends[from + 999] - ends[from]);
  return { rate: count / seconds, gaps, first: thousand(0), last: thousand(count - 1000) };
}

/** BullMQ alone, with the same commit to the same kind of store. */
async function raw({ cluster }, folder, count, workers, name) {
  const store = openStore(`file:${join(folder, 'raw')}`);
  const connection = () => new Redis({ port: cluster.redisPort, host: '127.0.0.1', maxRetriesPerRequest: null });
  const [producing, consuming] = [connection(), connection()];
  const queue = new Queue(name, { connection: producing });
  const keys = Array.from({ length: count }, (_, i) => sha256(`${name}${i}`));
  const [ends, gaps] = [[], []];
  let finish;
  const finished = new Promise((resolve) => {
    finish = resolve;
  });
  const handle = async ({ data }) => {
    if (ends.length > 0) gaps.push(performance.now() - ends.at(-1));
    await store.putIfAbsent(storeKeys.result(data.key), record(data.key));
    if (ends.push(performance.now()) === count) finish();
  };
  const worker = new Worker(name, handle, { connection: consuming, concurrency: workers });
  await worker.waitUntilReady();
  const started = performance.now();
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
  return { rate, gaps };
}

/** Milliseconds from submitting a run of one fold to an idle cluster until the fold starts. */
async function dispatch({ url, storeUrl }, runs) {
  const store = openStore(storeUrl);
  let begun;
  const consumers = [
    endRuns(url, store),
    takeFolds(url, 1, async ({ key }) => {
      begun = performance.now();
      await store.putIfAbsent(storeKeys.result(key), record(key));
    }),
  ];
  const latencies = [];
  for (let i = 0; i < runs; i++) {
    const { started } = await runToEnd(url, storeUrl, 1, `dispatch-${i}`);
    latencies.push(begun - started);
  }
  await Promise.all(consumers.map((consumer) => consumer.close(true)));
  await store.close();
  return latencies;
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

/** Tasks a second of joblib and Ray Tune, by name and workers; empty where python3 has neither. */
async function peers() {
  try {
    const script = fileURLToPath(new URL('orchestration-peers.py', import.meta.url));
    const { stdout } = await promisify(execFile)('python3', [script], { maxBuffer: 1e8, timeout: 300_000 });
    return JSON.parse(stdout.trim().split('\n').at(-1));
  } catch (error) {
    console.error(`bench: joblib and Ray Tune were not measured: ${String(error.message).split('\n').at(-2)}`);
    return {};
  }
}

export async function compare() {
  const folder = await mkdtemp(join(tmpdir(), 'cryfold-bench-'));
  const scene = await startCoordinator(folder);
  const comparisons = [];
  const add = (name, mine, theirs, peer, unit, target, ratio = mine / theirs) => {
    comparisons.push({ name, ours: mine, theirs, peer, unit, ratio, target, ok: ratio >= target });
    console.error(`bench: ${name}: ${mine.toFixed(1)} ${unit}`);
  };
  try {
    const latencies = await dispatch(scene, 60);
    for (const [name, q] of [
      ['median', 0.5],
      ['99th percentile', 0.99],
    ]) {
      const ms = quantile(latencies, q);
      add(`a run's first fold starts after, ${name}`, 1000 / ms, 1, 'a second', '/s', 1);
    }
    const rates = new Map();
    for (const workers of WORKERS) {
      const pairs = [];
      for (let pair = 0; pair <= PAIRS; pair++) {
        const mine = await ours(scene, 1000, workers, `ours-${workers}-${pair}`);
        pairs.push([mine, await raw(scene, folder, 1000, workers, `raw-${workers}-${pair}`)]);
      }
      pairs.shift();
      const [mine, theirs] = [0, 1].map((side) => median(pairs.map((pair) => pair[side].rate)));
      rates.set(workers, mine);
      const ratio = median(pairs.map(([a, b]) => a.rate / b.rate));
      const alone = 'BullMQ alone with the same commit';
      add(`1,000 no-op folds, ${workers} at once`, mine, theirs, alone, 'folds/s', 0.5, ratio);
      if (workers > 1) continue;
      for (const [name, q] of [
        ['median', 0.5],
        ['99th percentile', 0.99],
      ]) {
        const [a, b] = [0, 1].map((side) => median(pairs.map((pair) => quantile(pair[side].gaps, q))));
        add(`from a fold's end to the next one's start, ${name}`, 1000 / a, 1000 / b, alone, '/s', 0);
      }
    }
    for (const workers of WORKERS) {
      const many = await ours(scene, 10_000, workers, `many-${workers}`);
      add(`10,000 no-op folds, ${workers} at once`, many.rate, FIVE_MS, '5 ms a fold', 'folds/s', 1);
      add('the last thousand of them', many.last, many.first, 'the first thousand', 'folds/s', 0.8);
    }
    const mib = await residentMib(scene.cluster.pid('coordinator'));
    if (mib > 0) add('a coordinator after 42,000 folds', 1024 / mib, 1024 / 256, '256 MiB', 'a GiB', 1);
    const memory = await idleMemory(scene.url, folder);
    for (const [what, used] of [
      ['resident', memory.rss],
      ['shared pages counted once', memory.pss],
    ]) {
      if (used > 0) add(`idle coordinator and worker, ${what}`, 1024 / used, 1024 / 150, '150 MiB', 'pairs a GiB', 1);
    }
    for (const [peer, theirs] of Object.entries(await peers())) {
      const workers = Number(peer.split(' ').at(-1));
      add(`no-op folds, ${workers} at once`, rates.get(workers), theirs, peer.replace(/ \d+$/, ''), 'tasks/s', 0);
    }
    return comparisons;
  } finally {
    await scene.cluster.stop();
    await rm(folder, { recursive: true, force: true });
  }
}
