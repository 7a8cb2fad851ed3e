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

/** Folds looked up at once, since a run may have thousands. */
const LOOKUPS = 32;

/** What driving a run asks of the queues. */
export type RunQueues = Pick<
  Queues,
  'add' | 'front' | 'liveIds' | 'activeIds' | 'failures' | 'forgetFailures' | 'remove' | 'giveBacks' | 'forgetGiveBacks'
>;

/** Where folds are when a reconciliation begins. */
interface Look {
  /** Ids of jobs that wait, run or will be tried again */
  live: Map<FoldQueue, Set<string>>;
  /** Keys of the folds that were enqueued before, without those whose end was heard of */
  expected: ReadonlySet<string>;
}

export interface RunDriverOptions {
  folds: RunFolds;
  store: RunStore;
  queues: RunQueues;
  log: Logger;
}

/**
 * Brings one run to its end by reconciling: plan minus committed results minus live jobs is what to enqueue, in the run's
 * turn. Events only make it quick; a reconciliation alone would do.
 */
export class RunDriver {
  readonly folds: RunFolds;
  /** Runs what an event asks for in the surroundings of this run, so that it belongs to the run's trace. */
  readonly within = AsyncLocalStorage.snapshot();
  readonly #store: RunStore;
  readonly #queues: RunQueues;
  readonly #log: Logger;
  readonly #enqueuer: FoldEnqueuer;
  /** Prerequisites that are in the store, by id. */
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

  /** Loads the final failures that earlier coordinators recorded, and enqueues what is missing. */
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

  /** Costs one look-up for each fold that was enqueued and is in no queue now, so that it does not grow with the run. */
  async reconcile(): Promise<void> {
    await this.#reconcile(await this.#live(), false);
  }

  async #live(): Promise<Look> {
    const expected = this.#enqueuer.expected();
    return { live: new Map(await this.#ofQueues((queue) => this.#queues.liveIds(queue))), expected };
  }

  /**
   * @param look read before any result is: a fold that ends in between is seen as done, never as missing
   * @param first looks for the results of all folds, and counts those found as having been there before
   */
  async #reconcile({ live, expected }: Look, first: boolean): Promise<void> {
    const isLive = (job: FoldJob) => live.get(job.queue)?.has(job.key) === true;
    // A fold in the backlog that another run finishes meanwhile is found done when its own job starts.
    const lost = (job: FoldJob) => first || (this.#enqueuer.expects(job) && !isLive(job));
    const looked = this.folds.pending.filter(lost);
    const look = async ({ key }: FoldJob) => {
      if (await this.#store.folds.has(key)) this.folds.markDone(key, first);
    };
    await mapLimited(looked, look, LOOKUPS);
    // Neither live nor done: failed while nobody listened.
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
    this.#heed(giveBacks);
    const runnable: FoldJob[] = [];
    const enqueued: FoldJob[] = [];
    for (const job of this.folds.pending) {
      // An event may have had it enqueued since the look, and it may have ended since.
      if (isLive(job) || (this.#enqueuer.expects(job) && !expected.has(job.key))) enqueued.push(job);
      else if ((await this.#prepared(job, live)) && this.folds.isPending(job.key)) runnable.push(job);
    }
    this.#enqueuer.reset(runnable, enqueued);
    await this.#enqueuer.fill(fronts);
    this.#nudgeIfSettled();
  }

  /** Asks all queues of folds at once. */
  #ofQueues<T>(ask: (queue: FoldQueue) => Promise<T>): Promise<(readonly [FoldQueue, T])[]> {
    return Promise.all(FOLD_QUEUES.map(async (queue) => [queue, await ask(queue)] as const));
  }

  /** Takes over how often jobs were given back, and warns of a fold each time that a further one reaches MANY_GIVE_BACKS. */
  #heed(giveBacks: ReadonlyMap<string, number>): void {
    const before = this.folds.giveBacks;
    this.folds.giveBacks = giveBacks;
    for (const [key, times] of giveBacks) {
      const job = this.folds.pendingJob(key);
      if (!job || times < MANY_GIVE_BACKS || (before.get(key) ?? 0) >= MANY_GIVE_BACKS) continue;
      const place = { run: this.folds.plan.run, trial: job.trial, ...this.#where(job) };
      this.#log.warn({ ...place, times }, 'stopping workers gave a fold back again and again');
    }
  }

  /** Resolves after so many milliseconds, or sooner where the run may have come to its end. */
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

  /** Takes what Redis holds of the jobs of an ended run out of it; the records of its failures are in the store. */
  async forgetFailures(): Promise<void> {
    const { plan } = this.folds;
    const needed = new Set(this.folds.pending.map(({ trial }) => prerequisiteOf(plan, trial)?.id));
    for (const queue of FOLD_QUEUES) {
      const ids = queuedIds(plan, queue);
      await this.#queues.forgetFailures(queue, ids);
      // Another run may also want the folds that a cancelled run leaves untrained, and what they need.
      const over = [...ids].filter((id) => !this.folds.isPending(id) && !needed.has(id));
      await this.#queues.forgetGiveBacks(over);
    }
  }

  /** Takes over a plan that a sweep's decisions changed; what it no longer wants does not wait any longer. */
  async replan(plan: RunPlan): Promise<void> {
    const dropped = this.folds.replan(plan);
    await mapLimited(dropped, ({ queue, key }) => this.#queues.remove(queue, key));
    await this.reconcile();
  }

  /** Takes over how the run shares the workers now; pausing takes back what waits, and lets what trains end. */
  async schedule(scheduling: Scheduling): Promise<void> {
    const before = this.scheduling;
    if (isDeepStrictEqual(before, scheduling)) return;
    this.#enqueuer.scheduling = scheduling;
    if (scheduling.paused && !before.paused) await this.#takeBack();
    await this.reconcile();
  }

  /**
   * Takes back what waits. Workers stop what runs by themselves. A job that another run wants as well is enqueued again
   * by that run's reconciliation.
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

  /** Whether what a fold needs is in the store; if not, one job computes it for all. */
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

  /** Folds that cannot start before a prerequisite. */
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

  /** A fold, what folds need, or the results cannot be stored or read for now. */
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

  /** Gives up the waiting folds of a trial: each of them would fail with the same error. */
  async #park(cause: FoldJob, error: ErrorRecord): Promise<void> {
    const { repeat, fold } = this.#where(cause);
    const parked = new CryfoldError(
      error.code,
      `not tried, since repeat ${repeat} fold ${fold} failed: ${error.message}`,
      {
        context: error.context,
        ...(error.hint ? { hint: error.hint } : {}),
      },
    ).toRecord();
    for (const job of this.folds.pending.filter((candidate) => candidate.trial === cause.trial)) {
      // One that already runs may still end well.
      if (await this.#queues.remove(job.queue, job.key)) await this.#fail(job, parked);
    }
  }

  #where(job: FoldJob): { repeat: number; fold: number } {
    const { repeat, fold } = this.folds.plan.splits[job.split];
    return { repeat, fold };
  }
}
