import { CryfoldError, mapLimited } from '@cryfold/core';
import { type FoldJob, type RunPlan, schedulingSchema } from '@cryfold/plan';
import { QUEUE_NAMES, type Queues, type WorkerReport, workerReport } from '@cryfold/queue';
import type { RunStore } from '@cryfold/store';
import { z } from 'zod';
import { untakenQueues } from './no-worker.js';
import { factsOf, runFactsSchema } from './run-facts.js';

/**
 * The state of a run. It has ended (`complete`, `incomplete`, `cancelled`), is `running`, or is `stopped` if no known
 * process is executing it. `newer` and `damaged` mean that a record cannot be read; `damage` explains why.
 */
const RUN_STATES = ['complete', 'incomplete', 'cancelled', 'running', 'stopped', 'newer', 'damaged'] as const;

const count = z.int().nonnegative();
const place = { trial: z.string(), repeat: count, fold: count };

export const runStatusSchema = z.object({
  run: z.string(),
  name: z.string(),
  state: z.enum(RUN_STATES),
  total: count,
  done: count,
  failed: count,
  trials: z.record(z.string(), z.object({ total: count, done: count, failed: count })),
  /** Folds that are being trained, with their progress */
  active: z.array(z.object({ ...place, fraction: z.number() })),
  /**
   * Unfinished folds that workers returned to the queue when they stopped, most frequently returned first. Entries
   * without repeat and fold are prerequisites of all folds of a trial
   */
  givenBack: z
    .array(z.object({ trial: z.string(), repeat: z.int().optional(), fold: z.int().optional(), times: count }))
    .optional(),
  etaSeconds: z.number().nullable(),
  /** Folds that have failed permanently, with the reason */
  failures: z.array(z.object({ ...place, key: z.string(), code: z.string(), message: z.string() })),
  ...runFactsSchema.shape,
  /** How the run shares the workers; absent once it has ended */
  scheduling: schedulingSchema.omit({ format: true }).optional(),
  /** Why a record of the run cannot be read, and what to do about it */
  damage: z.object({ code: z.string(), message: z.string(), hint: z.string().optional() }).optional(),
});
export type RunStatus = z.infer<typeof runStatusSchema>;

export const clusterStatusSchema = z.object({
  /** Number of jobs in each queue, by state; null without Redis */
  queues: z.record(z.string(), z.record(z.string(), count)).nullable(),
  counters: z.record(z.string(), count).nullable(),
  workers: z.array(workerReport),
  /** For each queue with jobs but no known worker: how long its first job has been waiting */
  untakenSeconds: z.record(z.string(), z.number()).optional(),
  unfinished: z.array(runStatusSchema),
});
export type ClusterStatus = z.infer<typeof clusterStatusSchema>;

/** Resolves to undefined if the run was deleted after it was listed. */
export async function unlessDeleted<T>(request: Promise<T>): Promise<T | undefined> {
  try {
    return await request;
  } catch (error) {
    if (error instanceof CryfoldError && error.code === 'RUN_NOT_FOUND') return undefined;
    throw error;
  }
}

/** Progress that the coordinator publishes with a run's job. */
const progressSchema = runStatusSchema.pick({ active: true, etaSeconds: true, givenBack: true }).partial();

/**
 * Returns the status of a run with an unreadable record, so that such a run does not prevent others from being listed.
 * @param cancelled whether the run was cancelled, in which case no coordinator executes it
 */
export function unreadableStatus(run: string, { code, message, hint }: CryfoldError, cancelled: boolean): RunStatus {
  const nothing = { total: 0, done: 0, failed: 0, trials: {}, active: [], etaSeconds: null, failures: [] };
  const state = code === 'FORMAT_NEWER' ? 'newer' : cancelled ? 'cancelled' : 'damaged';
  return { run, name: run, state, ...nothing, damage: { code, message, ...(hint ? { hint } : {}) } };
}

/** Groups jobs by key, since trials with equal parameters have the same key. */
function byKey(jobs: readonly FoldJob[]): Map<string, FoldJob[]> {
  const found = new Map<string, FoldJob[]>();
  for (const job of jobs) {
    const own = found.get(job.key);
    if (own) own.push(job);
    else found.set(job.key, [job]);
  }
  return found;
}

/** Lists folds that have failed permanently, including all jobs of the plan that share their result. */
async function failuresOf(store: RunStore, plan: RunPlan): Promise<RunStatus['failures']> {
  const found = await store.runs.failures(plan.run);
  if (found.length === 0) return [];
  const jobsOf = byKey(plan.jobs);
  return found.flatMap(({ key, error: { code, message } }) =>
    (jobsOf.get(key) ?? []).map(({ trial, split }) => {
      const { repeat, fold } = plan.splits[split];
      return { trial, repeat, fold, key, code, message };
    }),
  );
}

/**
 * Determines the status of a run from the store and, if given, Redis.
 * @param working whether a process is known to execute the run, even if Redis does not show it
 */
export async function statusOf(
  store: RunStore,
  queues: Queues | undefined,
  plan: RunPlan,
  working = false,
): Promise<RunStatus> {
  const { run } = plan;
  const results = await store.runs.results(run);
  // A complete run has all folds and no failures, so these lookups can be skipped.
  const complete = results?.status === 'complete';
  const failures = complete ? [] : await failuresOf(store, plan);
  const failed = new Set(failures.map(({ key }) => key));
  const done = await mapLimited(plan.jobs, async ({ key }) => complete || (await store.folds.has(key)));
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
  const state = async (): Promise<RunStatus['state']> => {
    if (results) return results.status;
    if (await store.runs.isCancelled(run)) return 'cancelled';
    return live || working ? 'running' : 'stopped';
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
    ...(progress.givenBack?.length ? { givenBack: progress.givenBack } : {}),
    etaSeconds: progress.etaSeconds ?? null,
    failures,
    ...(await factsOf(store, plan, results)),
    ...(results ? {} : { scheduling: await store.runs.scheduling(plan) }),
  };
}

export function isUnfinished({ state }: RunStatus): boolean {
  return state === 'running' || state === 'stopped';
}

type QueueStatus = Omit<ClusterStatus, 'unfinished'>;

/** The combined queues, counters and workers of several Redis servers; empty if no servers are given. */
export async function queueStatus(...all: readonly (Queues | undefined)[]): Promise<QueueStatus> {
  const [first, ...others] = await Promise.all(all.flatMap((queues) => (queues ? [statusOfQueues(queues)] : [])));
  if (!first) return { queues: null, counters: null, workers: [] };
  return others.reduce<QueueStatus>((sum, one) => {
    const queues = Object.entries(sum.queues ?? {}).map(([name, own]) => [name, added(own, one.queues?.[name])]);
    return {
      queues: Object.fromEntries(queues),
      counters: added(sum.counters, one.counters),
      workers: [...sum.workers, ...one.workers],
    };
  }, first);
}

function added(a: Record<string, number> | null, b: Record<string, number> | null = {}): Record<string, number> {
  const sum = { ...a };
  for (const [name, count] of Object.entries(b ?? {})) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}

async function statusOfQueues(queues: Queues): Promise<QueueStatus> {
  const counts = await Promise.all(QUEUE_NAMES.map(async (name) => [name, await queues.counts(name)] as const));
  const workers: WorkerReport[] = await queues.workers();
  const found = { queues: Object.fromEntries(counts), counters: await queues.counters(), workers };
  const untaken = untakenQueues(found);
  if (untaken.length === 0) return found;
  const seconds = untaken.map(async ({ queue }) => [queue, await queues.oldestSeconds(queue)] as const);
  return { ...found, untakenSeconds: Object.fromEntries(await Promise.all(seconds)) };
}
