import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeRecord, sha256 } from '../../packages/core/dist/src/index.js';
import { parseSpec, planRun } from '../../packages/plan/dist/src/index.js';
import { Consumer, Queues, runPayload, workPayload } from '../../packages/queue/dist/src/index.js';
import { openStore, storeKeys } from '../../packages/store/dist/src/index.js';
import { Cluster, findRedis } from '../../test/dist/src/cluster.js';

/** A plan of `count` folds of one network; nothing of it is ever trained. */
export function noOpPlan(count, name) {
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

/** The record that a no-op fold commits. */
export const record = (key) =>
  encodeRecord({
    format: 1,
    key,
    attempt: 'x',
    probabilities: { key: 'x', sha256: sha256('x') },
    curve: [],
    seconds: 0,
    environment: {},
  });

/** Redis with its append-only file and a real coordinator process, over a store of files in `folder`. */
export async function startCoordinator(folder) {
  const program = await findRedis();
  if (!program) throw new Error('needs redis-server or valkey-server: run scripts/setup');
  const cluster = await Cluster.start(folder, program);
  const url = `redis://127.0.0.1:${cluster.redisPort}`;
  const storeUrl = `file:${join(folder, 'store')}`;
  cluster.run({ REDIS_URL: url, CRYFOLD_STORE: storeUrl }, { coordinator: ['coordinator'] });
  const log = () => readFile(join(folder, 'logs', 'coordinator.log'), 'utf8');
  while (!(await log()).includes('coordinator ready')) await sleep(100);
  return { cluster, url, storeUrl };
}

/** Takes aggregate jobs, and ends their runs at once. */
export const endRuns = (url, store) =>
  new Consumer({
    url,
    queue: 'aggregate',
    schema: runPayload,
    concurrency: 1,
    maxStalledCount: 8,
    handle: ({ run }) => store.put(storeKeys.results(run), new Uint8Array()),
    onError: () => {},
  });

/** Takes fold jobs, `concurrency` at once. */
export const takeFolds = (url, concurrency, handle) =>
  new Consumer({
    url,
    queue: 'gpu',
    schema: workPayload,
    concurrency,
    maxStalledCount: 8,
    handle,
    onError: () => {},
  });

/** Brings a run of `count` folds to its end with consumers that run elsewhere; answers the seconds that it took. */
export async function runToEnd(url, storeUrl, count, name) {
  const store = openStore(storeUrl);
  const queues = new Queues(url);
  const plan = noOpPlan(count, name);
  await store.put(storeKeys.plan(plan.run), encodeRecord(plan));
  const started = performance.now();
  for (;;) {
    try {
      await queues.add('runs', [{ id: plan.run, payload: { format: 1, kind: 'run', run: plan.run } }]);
      break;
    } catch {
      await sleep(20);
    }
  }
  while (!(await store.has(storeKeys.results(plan.run)))) await sleep(5);
  const seconds = (performance.now() - started) / 1000;
  await queues.close();
  await store.close();
  return { seconds, started };
}

/** Resident MiB of a process; NaN where /proc does not tell. */
export async function residentMib(pid) {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) / 1024;
}

export function quantile(values, q) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
}
