import { AsyncLocalStorage } from 'node:async_hooks';
import { isDeepStrictEqual } from 'node:util';
import { CryfoldError, type ErrorRecord, FORMATS, mapLimited, scopeOf } from '@cryfold/core';
import type { FoldQueue } from '@cryfold/estimators';
import {
  type FoldJob,
  initialScheduling,
  MANY_GIVE_BACKS,
  prerequisiteOf,
  queuedIds,
  type RunPlan,
  type Scheduling,
} from '@cryfold/plan';
import { failureOf, type Queues } from '@cryfold/queue';
import type { Logger } from '@cryfold/runtime';
import type { RunStore } from '@cryfold/store';
import { FOLD_QUEUES, FoldEnqueuer } from './fold-enqueuer.js';
import type { RunFolds } from './run-folds.js';

/** Maximum number of concurrent lookups, since a run may have thousands of folds. */
const LOOKUPS = 32;

/** The queue operations that are needed to drive a run. */
export type RunQueues = Pick<
  Queues,
  'add' | 'front' | 'liveIds' | 'activeIds' | 'failures' | 'forgetFailures' | 'remove' | 'giveBacks' | 'forgetGiveBacks'
>;

/** State of the queues at the start of a reconciliation. */
interface Progress {
  /** Ids of jobs that are waiting, are running or will be retried */
  live: Map<FoldQueue, Set<string>>;
  /** Keys of folds that were enqueued before and have not ended */
  expected: ReadonlySet<string>;
}

export interface RunDriverOptions {
  folds: RunFolds;
  store: RunStore;
  queues: RunQueues;
  log: Logger;
}

/**
 * Drives one run by reconciliation: the planned folds without a committed result or a live job are enqueued by fair
 * share. Events only reduce latency; reconciliation alone would suffice.
 */
export class RunDriver {
  readonly folds: RunFolds;
  /** Runs event handlers in the async context of this run, so that they belong to its trace. */
  readonly within = AsyncLocalStorage.snapshot();
  readonly #store: RunStore;
  readonly #queues: RunQueues;
  readonly #log: Logger;
  readonly #enqueuer: FoldEnqueuer;
  /** Ids of prerequisites that are in the store. */
  readonly #ready = new Set<string>();
  #nudged = false;
  #wake = () => {};

  constructor({ folds, store, queues, log }: RunDriverOptions) {
    this.folds = folds;
    this.#store = store;
    this.#queues = queues;
    this.#log = log;
    this.#enqueuer = new FoldEnqueuer({ queues, log, folds, scheduling: initialScheduling(folds.plan.spec) });
  }

  get scheduling(): Scheduling {
    return this.#enqueuer.scheduling;
  }

  /** Loads permanent failures that earlier coordinators have recorded, and enqueues missing folds. */
  async begin(): Promise<void> {
    const { runs } = this.#store;
    const { plan } = this.folds;
    const [look, scheduling, failures] = await Promise.all([
      this.#live(),
      runs.scheduling(plan),
      runs.failures(plan.run),
    ]);
    this.#enqueuer.scheduling = scheduling;
    for (const { key, error } of failures) {
      this.folds.markFailed(key, error as ErrorRecord);
    }
    await this.#reconcile(look, true);
  }

  /**
   * Reconciles with one lookup for each enqueued fold that is no longer in a queue, so that the cost does not grow with
   * the run.
   */
  async reconcile(): Promise<void> {
    await this.#reconcile(await this.#live(), false);
  }

  async #live(): Promise<Progress> {
    const expected = this.#enqueuer.expected();
    return { live: new Map(await this.#ofQueues((queue) => this.#queues.liveIds(queue))), expected };
  }

  /**
   * @param progress must have been read before any result, so that a fold that finishes in between counts as done,
   * never as missing
   * @param first whether to look up all folds and to count their results as found in the store, not as computed by this
   * run
   */
  async #reconcile({ live, expected }: Progress, first: boolean): Promise<void> {
    const isLive = (job: FoldJob) => live.get(job.queue)?.has(job.key) === true;
    // Folds in the backlog are looked up only the first time: if another run finishes such a fold later, the fold's job
    // finds the result when it starts.
    const lost = (job: FoldJob) => first || (this.#enqueuer.expects(job) && !isLive(job));
    const looked = this.folds.pending.filter(lost);
    const look = async ({ key }: FoldJob) => {
      if (await this.#store.folds.has(key)) this.folds.markDone(key, first);
    };
    await mapLimited(looked, look, LOOKUPS);
    // These folds are neither live nor done, so they may have failed without an event.
    const idle = (queue: FoldQueue) =>
      this.folds.pending.filter((job) => job.queue === queue && lost(job)).map(({ key }) => key);
    const [failed, active, giveBacks, fronts] = await Promise.all([
      this.#ofQueues((queue) => this.#queues.failures(queue, idle(queue))),
      this.#ofQueues((queue) => this.#queues.activeIds(queue)),
      this.#queues.giveBacks(),
      this.#enqueuer.fronts(),
    ]);
    for (const [, failures] of failed) for (const [id, reason] of failures) await this.onFailed(id, reason);
    this.folds.keepActive(new Set(active.flatMap(([, ids]) => [...ids])));
    this.#recordGiveBacks(giveBacks);
    const runnable: FoldJob[] = [];
    const enqueued: FoldJob[] = [];
    for (const job of this.folds.pending) {
      // After `live` was read, an event may have caused the fold to be enqueued, and the fold may even have ended.
      if (isLive(job) || (this.#enqueuer.expects(job) && !expected.has(job.key))) enqueued.push(job);
      else if ((await this.#prepared(job, live)) && this.folds.isPending(job.key)) runnable.push(job);
    }
    this.#enqueuer.reset(runnable, enqueued);
    await this.#enqueuer.fill(fronts);
    this.#nudgeIfSettled();
  }

  /** Queries all fold queues concurrently. */
  #ofQueues<T>(ask: (queue: FoldQueue) => Promise<T>): Promise<(readonly [FoldQueue, T])[]> {
    return Promise.all(FOLD_QUEUES.map(async (queue) => [queue, await ask(queue)] as const));
  }

  /**
   * Records how often workers have returned jobs, and warns about each fold as soon as it has been returned
   * MANY_GIVE_BACKS times.
   */
  #recordGiveBacks(giveBacks: ReadonlyMap<string, number>): void {
    const before = this.folds.giveBacks;
    this.folds.giveBacks = giveBacks;
    for (const [key, times] of giveBacks) {
      const job = this.folds.pendingJob(key);
      if (!job || times < MANY_GIVE_BACKS || (before.get(key) ?? 0) >= MANY_GIVE_BACKS) continue;
      const place = { run: this.folds.plan.run, trial: job.trial, ...this.#where(job) };
      this.#log.warn({ ...place, times }, 'fold was interrupted many times by stopping workers');
    }
  }

  /** Resolves after `milliseconds`, or earlier if the run may have ended. */
  async pause(milliseconds: number): Promise<void> {
    if (!this.#nudged) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, milliseconds);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#nudged = false;
    this.#wake = () => {};
  }

  nudge(): void {
    this.#nudged = true;
    this.#wake();
  }

  #nudgeIfSettled(): void {
    if (this.folds.settled) this.nudge();
  }

  /** Removes a run's failed jobs from Redis once the run has ended. The run's failures are recorded in the store. */
  async forgetFailures(): Promise<void> {
    const { plan } = this.folds;
    const needed = new Set(this.folds.pending.map(({ trial }) => prerequisiteOf(plan, trial)?.id));
    for (const queue of FOLD_QUEUES) {
      const ids = queuedIds(plan, queue);
      await this.#queues.forgetFailures(queue, ids);
      // Other runs may need the untrained folds of a cancelled run, and their prerequisites.
      const over = [...ids].filter((id) => !this.folds.isPending(id) && !needed.has(id));
      await this.#queues.forgetGiveBacks(over);
    }
  }

  /** Applies a plan that a sweep has changed, and removes dropped folds from the queues. */
  async replan(plan: RunPlan): Promise<void> {
    const dropped = this.folds.replan(plan);
    await mapLimited(dropped, ({ queue, key }) => this.#queues.remove(queue, key));
    await this.reconcile();
  }

  /**
   * Applies changed scheduling. Pausing removes waiting jobs, but folds that are already training are allowed to
   * finish.
   */
  async schedule(scheduling: Scheduling): Promise<void> {
    const before = this.scheduling;
    if (isDeepStrictEqual(before, scheduling)) return;
    this.#enqueuer.scheduling = scheduling;
    if (scheduling.paused && !before.paused) await this.#takeBack();
    await this.reconcile();
  }

  /**
   * Removes waiting jobs. Running jobs are stopped by the workers themselves. If another run needs a removed job, that
   * run's reconciliation enqueues it again.
   */
  async cancel(): Promise<void> {
    await this.#takeBack();
    await this.forgetFailures();
  }

  async #takeBack(): Promise<void> {
    const waiting = new Map<string, FoldQueue>();
    for (const job of this.folds.pending) {
      if (this.#enqueuer.expects(job)) waiting.set(job.key, job.queue);
      const needed = prerequisiteOf(this.folds.plan, job.trial);
      if (needed) waiting.set(needed.id, needed.queue);
    }
    await mapLimited([...waiting], ([id, queue]) => this.#queues.remove(queue, id));
  }

  /**
   * Returns whether the prerequisite of a fold is in the store. If it is not, enqueues one job that computes it for all
   * folds.
   */
  async #prepared(job: FoldJob, live: Map<FoldQueue, Set<string>>): Promise<boolean> {
    const needed = prerequisiteOf(this.folds.plan, job.trial);
    if (!needed || this.#ready.has(needed.id)) return true;
    const jobs = live.get(needed.queue);
    if (jobs?.has(needed.id)) return false;
    if (await this.#store.artifacts.has(needed.artifact)) {
      this.#ready.add(needed.id);
      return true;
    }
    const failed = (await this.#queues.failures(needed.queue, [needed.id])).get(needed.id);
    if (failed !== undefined) {
      await this.onFailed(needed.id, failed);
      return false;
    }
    if (this.scheduling.paused) return false;
    const payload = { format: 1, kind: 'prepare', run: this.folds.plan.run, trial: job.trial } as const;
    await this.#queues.add(needed.queue, [{ id: needed.id, payload }]);
    jobs?.add(needed.id);
    return false;
  }

  /** Pending folds that need a prerequisite. */
  #waitingFor(id: string): FoldJob[] {
    return this.folds.pending.filter((job) => prerequisiteOf(this.folds.plan, job.trial)?.id === id);
  }

  async onCompleted(id: string): Promise<void> {
    if (!this.folds.isPending(id)) {
      if (this.#waitingFor(id).length > 0) await this.reconcile();
      return;
    }
    const job = this.folds.pendingJob(id);
    if (await this.#store.folds.has(id)) this.folds.markDone(id, false);
    this.#nudgeIfSettled();
    if (job) await this.#enqueuer.ended(job);
  }

  /** Handles a temporary failure to read or store a fold, a prerequisite or the results. */
  onWaits(id: string, reason: string): void {
    if (id !== this.folds.plan.run && !this.folds.isPending(id) && this.#waitingFor(id).length === 0) return;
    this.folds.markWaiting(id, reason);
  }

  async onFailed(id: string, reason: string): Promise<void> {
    const error = failureOf(reason);
    for (const waiting of this.#waitingFor(id)) await this.#fail(waiting, error);
    const job = this.folds.pendingJob(id);
    if (!job) return;
    await this.#fail(job, error);
    if (error.failure === 'input' && scopeOf(error.code) === 'trial') await this.#park(job, error);
    this.#nudgeIfSettled();
    await this.#enqueuer.ended(job);
  }

  async #fail(job: FoldJob, error: ErrorRecord): Promise<void> {
    const { run } = this.folds.plan;
    await this.#store.runs.saveFailure(run, { format: FORMATS.failure, key: job.key, trial: job.trial, error });
    this.folds.markFailed(job.key, error);
    const { attempt } = error.context;
    this.#log.error({ trial: job.trial, ...this.#where(job), attempt, code: error.code }, error.message);
  }

  /** Fails the waiting folds of a trial, because all of them would fail with the same error. */
  async #park(cause: FoldJob, error: ErrorRecord): Promise<void> {
    const { repeat, fold } = this.#where(cause);
    const parked = new CryfoldError(
      error.code,
      `skipped because repeat ${repeat} fold ${fold} failed: ${error.message}`,
      {
        context: error.context,
        ...(error.hint ? { hint: error.hint } : {}),
      },
    ).toRecord();
    for (const job of this.folds.pending.filter((candidate) => candidate.trial === cause.trial)) {
      // A running fold may still succeed.
      if (await this.#queues.remove(job.queue, job.key)) await this.#fail(job, parked);
    }
  }

  #where(job: FoldJob): { repeat: number; fold: number } {
    const { repeat, fold } = this.folds.plan.splits[job.split];
    return { repeat, fold };
  }
}
