import { resolve } from 'node:path';
import { type ArtifactStore, openStore } from '@cryfold/artifacts';
import type { RunProgress } from '@cryfold/coordinator';
import { CryfoldError, decodePlan, decodeRecord, foldFailureSchema, type RunPlan, storeKeys } from '@cryfold/core';
import { checkRedis, Queues } from '@cryfold/queue';
import type { Config } from '@cryfold/runtime';
import { DEFAULT_OUT } from './find-run.js';
import { readResults } from './run-command.js';

export interface ControlOptions {
  /** The --out of a local run, whose store is used where CRYFOLD_STORE is not set */
  out: string;
  json: boolean;
}

/** A store, and the queues of REDIS_URL where it is set: a local run is controlled through its store alone. */
export interface Control {
  store: ArtifactStore;
  storeUrl: string;
  queues: Queues | undefined;
}

export async function withControl<T>(
  options: Pick<ControlOptions, 'out'>,
  config: Config,
  work: (control: Control) => Promise<T>,
): Promise<T> {
  const storeUrl = config.storeUrl ?? `file:${resolve(options.out ?? DEFAULT_OUT, 'store')}`;
  if (config.redisUrl) await checkRedis(config.redisUrl);
  const store = openStore(storeUrl, config.s3);
  const queues = config.redisUrl ? new Queues(config.redisUrl) : undefined;
  try {
    return await work({ store, storeUrl, queues });
  } finally {
    await queues?.close();
    await store.close();
  }
}

/** `stopped`: unfinished, and no process is known to work on it. */
export type RunPhase = 'complete' | 'incomplete' | 'cancelled' | 'running' | 'stopped';

export interface RunStatus {
  run: string;
  name: string;
  state: RunPhase;
  total: number;
  done: number;
  failed: number;
  trials: Record<string, { total: number; done: number; failed: number }>;
  active: RunProgress['active'];
  etaSeconds: number | null;
  /** Folds that will not be tried again, and why: the dead letters */
  failures: { trial: string; repeat: number; fold: number; key: string; code: string; message: string }[];
}

/** @throws CryfoldError RUN_NOT_FOUND */
export async function readPlan(store: ArtifactStore, run: string): Promise<RunPlan> {
  const key = /^[a-z0-9][a-z0-9-]*$/.test(run) ? storeKeys.plan(run) : undefined;
  const bytes = key && (await store.get(key));
  if (bytes) return decodePlan(bytes, key);
  throw new CryfoldError('RUN_NOT_FOUND', `the store has no run ${JSON.stringify(run)}`, {
    context: { run },
    hint: 'cryfold list shows what is there. CRYFOLD_STORE or --out says where to look.',
  });
}

export async function runIds(store: ArtifactStore): Promise<string[]> {
  const found: string[] = [];
  for await (const key of store.list('runs/')) {
    const run = key.split('/')[1];
    if (key === storeKeys.plan(run)) found.push(run);
  }
  return found;
}

/** Look-ups under way at once. */
const LOOKUPS = 16;

export async function mapLimited<T, R>(items: readonly T[], action: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const lane = async () => {
    while (next < items.length) {
      const i = next++;
      results[i] = await action(items[i]);
    }
  };
  await Promise.all(Array.from({ length: Math.min(LOOKUPS, items.length) }, lane));
  return results;
}

/** What the store and, where it is asked, Redis know of a run. */
export async function statusOf({ store, queues }: Control, run: string): Promise<RunStatus> {
  const plan = await readPlan(store, run);
  const results = await readResults(store, run);
  const failures: RunStatus['failures'] = [];
  const failed = new Set<string>();
  for await (const key of store.list(storeKeys.failures(run))) {
    const bytes = await store.get(key);
    if (!bytes) continue;
    const failure = decodeRecord(foldFailureSchema, bytes, key);
    failed.add(failure.key);
    for (const job of plan.jobs.filter((candidate) => candidate.key === failure.key)) {
      const { repeat, fold } = plan.splits[job.split];
      const { code, message } = failure.error;
      failures.push({ trial: job.trial, repeat, fold, key: job.key, code, message });
    }
  }
  const done = await mapLimited(plan.jobs, (job) => store.has(storeKeys.result(job.key)));
  const trials: RunStatus['trials'] = {};
  for (const [i, { trial, key }] of plan.jobs.entries()) {
    trials[trial] ??= { total: 0, done: 0, failed: 0 };
    trials[trial].total++;
    if (done[i]) trials[trial].done++;
    else if (failed.has(key)) trials[trial].failed++;
  }
  const job = results ? undefined : await queues?.job('runs', run);
  const live = job !== undefined && job.state !== 'failed' && job.state !== 'completed';
  const progress = live && typeof job.progress === 'object' ? (job.progress as Partial<RunProgress>) : {};
  const state = async (): Promise<RunPhase> => {
    if (results) return results.status;
    if (await store.has(storeKeys.cancelled(run))) return 'cancelled';
    return live ? 'running' : 'stopped';
  };
  const sum = (member: 'total' | 'done' | 'failed') =>
    Object.values(trials).reduce((all, trial) => all + trial[member], 0);
  return {
    run,
    name: plan.spec.name,
    state: await state(),
    total: sum('total'),
    done: sum('done'),
    failed: sum('failed'),
    trials,
    active: progress.active ?? [],
    etaSeconds: progress.etaSeconds ?? null,
    failures,
  };
}
