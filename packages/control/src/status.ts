import { type ArtifactStore, RunStore, type StoredPlan, storeKeys } from '@cryfold/artifacts';
import { CryfoldError, decodeRecord, unlessUnreadable } from '@cryfold/core';
import { decodeResults, type RunResults } from '@cryfold/evaluation';
import { type FoldJob, foldFailureSchema, type RunPlan } from '@cryfold/plan';
import { QUEUE_NAMES, type Queues, type WorkerState, workerState } from '@cryfold/queue';
import { z } from 'zod';

/** `stopped`: unfinished, and no process is known to work on it. `newer`, `damaged`: a record of it cannot be read, see `damage`. */
export const RUN_PHASES = ['complete', 'incomplete', 'cancelled', 'running', 'stopped', 'newer', 'damaged'] as const;
export type RunPhase = (typeof RUN_PHASES)[number];

const count = z.int().nonnegative();
const place = { trial: z.string(), repeat: count, fold: count };

export const runStatusSchema = z.object({
  run: z.string(),
  name: z.string(),
  state: z.enum(RUN_PHASES),
  total: count,
  done: count,
  failed: count,
  trials: z.record(z.string(), z.object({ total: count, done: count, failed: count })),
  /** Folds that train now, and the share of each that is behind it */
  active: z.array(z.object({ ...place, fraction: z.number() })),
  etaSeconds: z.number().nullable(),
  /** Folds that will not be tried again, and why: the dead letters */
  failures: z.array(z.object({ ...place, key: z.string(), code: z.string(), message: z.string() })),
  /** Why a record of the run cannot be read, and what to do about it */
  damage: z.object({ code: z.string(), message: z.string(), hint: z.string().optional() }).optional(),
});
export type RunStatus = z.infer<typeof runStatusSchema>;

export const clusterStatusSchema = z.object({
  /** Jobs of each queue by state; null where there is no Redis */
  queues: z.record(z.string(), z.record(z.string(), count)).nullable(),
  counters: z.record(z.string(), count).nullable(),
  workers: z.array(workerState),
  unfinished: z.array(runStatusSchema),
});
export type ClusterStatus = z.infer<typeof clusterStatusSchema>;

/** A run's id, as plans have it. */
export const RUN_ID = /^[a-z0-9][a-z0-9-]*$/;

/** @throws CryfoldError RUN_NOT_FOUND */
export async function readPlan(store: ArtifactStore, run: string): Promise<RunPlan> {
  return (await readStoredPlan(store, run)).plan;
}

/** As `readPlan`, with what a sweep decided. */
export async function readStoredPlan(store: ArtifactStore, run: string): Promise<StoredPlan> {
  const key = RUN_ID.test(run) ? storeKeys.plan(run) : undefined;
  if (key && (await store.has(key))) return new RunStore(store).runs.plan(run);
  throw new CryfoldError('RUN_NOT_FOUND', `the store has no run ${JSON.stringify(run)}`, {
    context: { run },
    hint: 'cryfold list shows what is there (without a server, CRYFOLD_STORE or --out says where).',
  });
}

/** All runs with a plan. A folder whose name no run has, such as a copy that somebody made, is none. */
export async function runIds(store: ArtifactStore): Promise<string[]> {
  const found: string[] = [];
  for await (const key of store.list('runs/')) {
    const run = key.split('/')[1];
    if (key === storeKeys.plan(run) && RUN_ID.test(run)) found.push(run);
  }
  return found;
}

/** What looks at a run of a list, or undefined where the run was deleted since it was listed. */
export async function unlessDeleted<T>(look: Promise<T>): Promise<T | undefined> {
  try {
    return await look;
  } catch (error) {
    if (error instanceof CryfoldError && error.code === 'RUN_NOT_FOUND') return undefined;
    throw error;
  }
}

export async function readResults(store: ArtifactStore, run: string): Promise<RunResults | undefined> {
  const key = storeKeys.results(run);
  const bytes = await store.get(key);
  return bytes && decodeResults(bytes, key);
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

/** What the coordinator publishes on a run's job. */
const progressSchema = runStatusSchema.pick({ active: true, etaSeconds: true }).partial();

/**
 * Of a run with a record that cannot be read: it must not hide the others.
 * @param cancelled whether somebody cancelled it, so that no coordinator takes it
 */
export function unreadableStatus(run: string, { code, message, hint }: CryfoldError, cancelled: boolean): RunStatus {
  const nothing = { total: 0, done: 0, failed: 0, trials: {}, active: [], etaSeconds: null, failures: [] };
  const state = code === 'FORMAT_NEWER' ? 'newer' : cancelled ? 'cancelled' : 'damaged';
  return { run, name: run, state, ...nothing, damage: { code, message, ...(hint ? { hint } : {}) } };
}

/** Trials with equal parameters share a key. */
function byKey(jobs: readonly FoldJob[]): Map<string, FoldJob[]> {
  const found = new Map<string, FoldJob[]>();
  for (const job of jobs) {
    const own = found.get(job.key);
    if (own) own.push(job);
    else found.set(job.key, [job]);
  }
  return found;
}

/** What the store and, where it is asked, Redis know of a run. */
export async function statusOf(store: ArtifactStore, queues: Queues | undefined, plan: RunPlan): Promise<RunStatus> {
  const { run } = plan;
  const results = await readResults(store, run);
  const complete = results?.status === 'complete';
  const failures: RunStatus['failures'] = [];
  const failed = new Set<string>();
  let jobsOf: Map<string, FoldJob[]> | undefined;
  // A complete run has every fold and no failure: nothing need be looked up.
  if (!complete) {
    for await (const key of store.list(storeKeys.failures(run))) {
      const bytes = await store.get(key);
      if (!bytes) continue;
      const failure = unlessUnreadable(() => decodeRecord(foldFailureSchema, bytes, key));
      if (!failure) continue;
      failed.add(failure.key);
      jobsOf ??= byKey(plan.jobs);
      for (const job of jobsOf.get(failure.key) ?? []) {
        const { repeat, fold } = plan.splits[job.split];
        const { code, message } = failure.error;
        failures.push({ trial: job.trial, repeat, fold, key: job.key, code, message });
      }
    }
  }
  const done = await mapLimited(plan.jobs, async (job) => complete || (await store.has(storeKeys.result(job.key))));
  const counts = new Map<string, RunStatus['trials'][string]>();
  for (const [i, { trial, key }] of plan.jobs.entries()) {
    const own = counts.get(trial) ?? { total: 0, done: 0, failed: 0 };
    counts.set(trial, own);
    own.total++;
    if (done[i]) own.done++;
    else if (failed.has(key)) own.failed++;
  }
  const job = results ? undefined : await queues?.job('runs', run);
  const live = job !== undefined && job.state !== 'failed' && job.state !== 'completed';
  const progress = live ? (progressSchema.safeParse(job.progress).data ?? {}) : {};
  const state = async (): Promise<RunPhase> => {
    if (results) return results.status;
    if (await store.has(storeKeys.cancelled(run))) return 'cancelled';
    return live ? 'running' : 'stopped';
  };
  const sum = (member: 'total' | 'done' | 'failed') =>
    [...counts.values()].reduce((all, trial) => all + trial[member], 0);
  return {
    run,
    name: plan.spec.name,
    state: await state(),
    total: sum('total'),
    done: sum('done'),
    failed: sum('failed'),
    trials: Object.fromEntries(counts),
    active: progress.active ?? [],
    etaSeconds: progress.etaSeconds ?? null,
    failures,
  };
}

export function isUnfinished({ state }: RunStatus): boolean {
  return state === 'running' || state === 'stopped';
}

/** Queues, counters and workers; empty where there is no Redis. */
export async function queueStatus(queues: Queues | undefined): Promise<Omit<ClusterStatus, 'unfinished'>> {
  if (!queues) return { queues: null, counters: null, workers: [] };
  const counts = await Promise.all(QUEUE_NAMES.map(async (name) => [name, await queues.counts(name)] as const));
  const workers: WorkerState[] = await queues.workers();
  return { queues: Object.fromEntries(counts), counters: await queues.counters(), workers };
}
