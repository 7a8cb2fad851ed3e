import type { ErrorRecord } from '@cryfold/core';
import { type FoldJob, prerequisiteOf, type RunPlan } from '@cryfold/plan';
import { executionOrder } from './fold-order.js';
import type { RunPhase, RunProgress, TrialProgress } from './run-progress.js';

interface Activity {
  since: number;
  fraction: number;
  /** Time at which the fold last reported progress, or at which it was first seen active */
  lastProgress: number;
}

/**
 * Tracks which folds of a run are done, failed, active or missing. All of this information is also in the store or in
 * Redis.
 */
export class RunFolds {
  plan: RunPlan;
  /** In execution order */
  readonly #pending: Map<string, FoldJob>;
  readonly #failed = new Map<string, ErrorRecord>();
  readonly #done = new Set<string>();
  readonly #active = new Map<string, Activity>();
  readonly #seconds = new Map<string, { sum: number; count: number }>();
  #found = 0;
  phase: RunPhase = 'folds';
  /** How often workers returned each job when they stopped, by job id; may include jobs of other runs */
  giveBacks: ReadonlyMap<string, number> = new Map();
  #waits: { id: string; reason: string } | undefined;

  constructor(plan: RunPlan) {
    this.plan = plan;
    // Trials with equal parameters share a key, and therefore a job.
    this.#pending = new Map(executionOrder(plan).map((job) => [job.key, job]));
  }

  /** Applies a plan that a sweep has changed. Returns the pending folds that the new plan no longer contains. */
  replan(plan: RunPlan): FoldJob[] {
    this.plan = plan;
    const wanted = new Map(plan.jobs.map((job) => [job.key, job]));
    const dropped = this.pending.filter(({ key }) => !wanted.has(key));
    this.#pending.clear();
    for (const [key, job] of wanted) if (!this.#done.has(key) && !this.#failed.has(key)) this.#pending.set(key, job);
    for (const { key } of dropped) {
      this.#active.delete(key);
      this.#endWait(key);
    }
    return dropped;
  }

  /** Number of folds with a result or a permanent failure. */
  get ended(): number {
    return this.#done.size + this.#failed.size;
  }

  isDone(key: string): boolean {
    return this.#done.has(key);
  }

  failure(key: string): ErrorRecord | undefined {
    return this.#failed.get(key);
  }

  get settled(): boolean {
    return this.#pending.size === 0;
  }

  get pending(): FoldJob[] {
    return [...this.#pending.values()];
  }

  pendingJob(key: string): FoldJob | undefined {
    return this.#pending.get(key);
  }

  isPending(key: string): boolean {
    return this.#pending.has(key);
  }

  markDone(key: string, found: boolean): void {
    const job = this.#pending.get(key);
    if (!job) return;
    const activity = this.#active.get(key);
    if (activity) {
      const seconds = this.#seconds.get(job.trial) ?? { sum: 0, count: 0 };
      seconds.sum += (Date.now() - activity.since) / 1000;
      seconds.count++;
      this.#seconds.set(job.trial, seconds);
    }
    this.#pending.delete(key);
    this.#active.delete(key);
    this.#done.add(key);
    this.#waits = undefined;
    if (found) this.#found++;
  }

  markFailed(key: string, error: ErrorRecord): void {
    if (!this.#pending.delete(key)) return;
    this.#active.delete(key);
    this.#failed.set(key, error);
    this.#endWait(key);
  }

  markActive(key: string, fraction: number): void {
    if (!this.#pending.has(key)) return;
    // Since the fold is making progress, it was able to read its data, so whatever was unavailable is available again.
    if (fraction > 0) this.#endWait(key);
    const activity = this.#active.get(key);
    // A lower fraction means that the fold was restarted.
    const now = Date.now();
    if (!activity || fraction < activity.fraction) this.#active.set(key, { since: now, fraction, lastProgress: now });
    else Object.assign(activity, { fraction, lastProgress: now });
  }

  /** Records a temporary failure of a fold or the run, which is retried. */
  markWaiting(id: string, reason: string): void {
    this.#waits = { id, reason };
  }

  #endWait(id: string): void {
    if (this.#waits?.id === id) this.#waits = undefined;
  }

  /** Removes folds that no worker is executing any more. */
  keepActive(ids: ReadonlySet<string>): void {
    for (const key of this.#active.keys()) if (!ids.has(key)) this.#active.delete(key);
  }

  phaseOf(key: string): 'waiting' | 'active' | 'done' | 'failed' {
    if (this.#done.has(key)) return 'done';
    if (this.#failed.has(key)) return 'failed';
    return this.#active.has(key) ? 'active' : 'waiting';
  }

  /** Longest time since an active fold reported progress; 0 if no fold is active. */
  silentSeconds(): number {
    let oldest = Date.now();
    for (const { lastProgress } of this.#active.values()) oldest = Math.min(oldest, lastProgress);
    return (Date.now() - oldest) / 1000;
  }

  progress(): RunProgress {
    // A Map, because a trial may be named `constructor`.
    const trials = new Map<string, TrialProgress>();
    for (const { key, trial } of this.plan.jobs) {
      const own = trials.get(trial) ?? { total: 0, done: 0, failed: 0 };
      trials.set(trial, own);
      own.total++;
      if (this.#done.has(key)) own.done++;
      else if (this.#failed.has(key)) own.failed++;
    }
    const sum = (member: keyof TrialProgress) => [...trials.values()].reduce((s, trial) => s + trial[member], 0);
    return {
      run: this.plan.run,
      total: sum('total'),
      done: sum('done'),
      failed: sum('failed'),
      found: this.#found,
      trials: Object.fromEntries(trials),
      active: [...this.#active].flatMap(([key, { fraction }]) => {
        const job = this.#pending.get(key);
        if (!job) return [];
        const { repeat, fold } = this.plan.splits[job.split];
        return [{ trial: job.trial, repeat, fold, fraction }];
      }),
      givenBack: this.#givenBack(),
      etaSeconds: this.#eta(),
      phase: this.phase,
      ...(this.#waits && { waits: this.#waits.reason }),
    };
  }

  #givenBack(): RunProgress['givenBack'] {
    if (this.giveBacks.size === 0) return [];
    const found = new Map<string, RunProgress['givenBack'][number]>();
    for (const [key, { trial, split }] of this.#pending) {
      const { repeat, fold } = this.plan.splits[split];
      const times = this.giveBacks.get(key);
      if (times !== undefined) found.set(key, { trial, repeat, fold, times });
      const needed = prerequisiteOf(this.plan, trial)?.id;
      const before = needed === undefined ? undefined : this.giveBacks.get(needed);
      if (needed !== undefined && before !== undefined) found.set(needed, { trial, times: before });
    }
    return [...found.values()].sort((a, b) => b.times - a.times);
  }

  /**
   * Estimates the remaining seconds: each unfinished fold is expected to take the mean duration of its trial's folds,
   * and the sum is divided by the number of active folds.
   */
  #eta(): number | null {
    let remaining = 0;
    for (const [key, job] of this.#pending) {
      const seconds = this.#secondsOf(job.trial);
      if (seconds === undefined) return null;
      remaining += seconds * (1 - (this.#active.get(key)?.fraction ?? 0));
    }
    return remaining / Math.max(1, this.#active.size);
  }

  #secondsOf(trial: string): number | undefined {
    const known = this.#seconds.get(trial);
    if (known) return known.sum / known.count;
    for (const [key, { since, fraction }] of this.#active) {
      if (this.#pending.get(key)?.trial === trial && fraction > 0.05) return (Date.now() - since) / 1000 / fraction;
    }
    return undefined;
  }
}
