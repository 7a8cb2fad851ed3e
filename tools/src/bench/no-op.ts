import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { sha256 } from '@cryfold/core';
import { Cluster, findRedis } from '@cryfold/integration-tests/cluster';
import { type DatasetManifest, type FoldResult, parseSpec, planRun, type RunPlan } from '@cryfold/plan';
import {
  type Attempt,
  Consumer,
  Queues,
  type RunPayload,
  runPayload,
  type WorkPayload,
  workPayload,
} from '@cryfold/queue';
import { openStore, RunStore } from '@cryfold/store';
import { rawRecords } from '@cryfold/store/testing';

/** A cluster without workers. */
export interface Scene {
  cluster: Cluster;
  /** URL of Redis */
  url: string;
  storeUrl: string;
  folder: string;
}

/** Returns a plan with `count` folds of one network, none of which is ever trained. */
function noOpPlan(count: number, name: string): RunPlan {
  const spec = parseSpec(`version: 1\nname: ${name}\nestimators: { cnn: { kind: small-cnn } }\n`, 'bench');
  const clips = Array.from({ length: 4 }, (_, i) => ({ id: `c${i}`, label: i % 2 ? 'a' : 'b', group: 'g' }));
  const contentHash = sha256(name);
  const manifest: DatasetManifest = { format: 1, name, contentHash, grouped: false, classes: ['a', 'b'], clips };
  // Distinct indices, so that each fold has its own key.
  const splits = Array.from({ length: count }, (_, i) => ({
    repeat: i,
    fold: 0,
    train: Int32Array.of(0, 1),
    test: Int32Array.of(2, i + 3),
  }));
  return planRun({ spec, manifest, splits });
}

/** The record that a no-op fold commits. */
export const record = (key: string): FoldResult => ({
  format: 1,
  key,
  attempt: 'x',
  probabilities: { key: 'x', sha256: sha256('x') },
  curve: [],
  seconds: 0,
  environment: {},
});

/** Starts a Redis with its append-only file in `folder`. @throws Error if this machine has no Redis */
export async function startRedis(folder: string): Promise<Cluster> {
  const program = await findRedis();
  if (!program) throw new Error('needs redis-server or valkey-server: run scripts/setup');
  return Cluster.start(folder, program);
}

/** Starts a Redis with its append-only file and a real coordinator process, with a file store in `folder`. */
export async function startCoordinator(folder: string): Promise<Scene> {
  const cluster = await startRedis(folder);
  const url = `redis://127.0.0.1:${cluster.redisPort}`;
  const storeUrl = `file:${join(folder, 'store')}`;
  cluster.run({ REDIS_URL: url, CRYFOLD_STORE: storeUrl }, { coordinator: ['coordinator'] });
  const log = () => readFile(join(folder, 'logs', 'coordinator.log'), 'utf8');
  while (!(await log()).includes('coordinator ready')) await sleep(100);
  return { cluster, url, storeUrl, folder };
}

const BARE = { maxStalledCount: 8, onError: () => {} };

/** Takes aggregate jobs, and finishes their runs immediately. */
export function endRuns(url: string, store: RunStore): Consumer<RunPayload> {
  const handle = ({ run }: RunPayload) => rawRecords(store.artifacts).results(run).write('');
  return new Consumer({ url, queue: 'aggregate', schema: runPayload, concurrency: 1, handle, ...BARE });
}

/** Takes fold jobs, up to `concurrency` at the same time. */
export function takeFolds(
  url: string,
  concurrency: number,
  handle: (fold: { key: string; run: string }, attempt: Attempt) => Promise<void>,
): Consumer<WorkPayload> {
  const onlyFolds = async (payload: WorkPayload, attempt: Attempt) => {
    if (payload.kind === 'fold') await handle(payload, attempt);
  };
  return new Consumer({ url, queue: 'gpu', schema: workPayload, concurrency, handle: onlyFolds, ...BARE });
}

/** Submits a run with this number of folds and a unique name. */
export interface NoOpRun {
  count: number;
  name: string;
}

/** Completes a run with consumers in another process. @returns the run's duration in seconds, and its start */
export async function runToEnd(
  { url, storeUrl }: Pick<Scene, 'url' | 'storeUrl'>,
  { count, name }: NoOpRun,
): Promise<{ seconds: number; started: number }> {
  const store = new RunStore(openStore(storeUrl));
  const queues = new Queues(url);
  const plan = noOpPlan(count, name);
  await store.runs.savePlan(plan);
  const started = performance.now();
  for (;;) {
    try {
      await queues.add('runs', [{ id: plan.run, payload: { format: 1, kind: 'run', run: plan.run } }]);
      break;
    } catch {
      await sleep(20);
    }
  }
  while (!(await store.runs.hasResults(plan.run))) await sleep(5);
  const seconds = (performance.now() - started) / 1000;
  await queues.close();
  await store.close();
  return { seconds, started };
}
