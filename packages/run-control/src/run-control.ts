import { CryfoldError, isUnreadable, mapLimited } from '@cryfold/core';
import type { FoldJob, RunPlan, SchedulingChange, Spec } from '@cryfold/plan';
import type { Queues } from '@cryfold/queue';
import type { RunStore } from '@cryfold/store';
import { cancelRun, enqueueRun, extendRun, reopenRun, scheduleRun, submitPlan, submitRun } from './changes.js';
import { Decoded } from './decoded.js';
import { ALL_LOGS, type FoldLog, findJob, foldLog, withoutText } from './logs.js';
import { planStoredChampion } from './models/champion-plan.js';
import {
  type ClusterStatus,
  isUnfinished,
  queueStatus,
  type RunStatus,
  statusOf,
  unlessDeleted,
  unreadableStatus,
} from './status.js';

/**
 * Operations on runs. There are two implementations: `StoreControl` for a store and Redis, which the server also uses,
 * and `HttpControl` for a server's HTTP API. Every method may throw RUN_NOT_FOUND.
 */
export interface RunControl {
  list(): Promise<RunStatus[]>;
  cluster(): Promise<ClusterStatus>;
  status(run: string): Promise<RunStatus>;
  /** Returns once no job of the run is active. Finished folds are kept. */
  cancel(run: string): Promise<RunStatus>;
  /** Changes how the run shares the workers, or pauses or resumes it. Folds in training finish. */
  schedule(run: string, change: SchedulingChange): Promise<RunStatus>;
  /** Retries failed folds, or continues a run that was stopped or cancelled. @throws CryfoldError USAGE */
  retry(run: string): Promise<RunStatus>;
  /** Starts the same evaluation with more repeats, as a new run. @throws CryfoldError USAGE */
  extend(run: string, repeats: number): Promise<RunStatus>;
  /** Starts a spec on a dataset whose manifest and features are in the store. @throws CryfoldError ARTIFACT_MISSING */
  submit(spec: Spec, dataset: string): Promise<RunStatus>;
  /**
   * Starts a champion's stand-in on the folds of a challenger whose run is in the store, see `planChampion`.
   * @throws CryfoldError MODEL_NOT_FOUND, MODEL_INCOMPARABLE, ARTIFACT_MISSING
   */
  submitChampion(name: string, version: string, challenger: string): Promise<RunStatus>;
  /** Logs of one fold (`TRIAL/REPEAT/FOLD` or a prefix of its key), or of all folds with failed attempts. */
  logs(run: string, fold?: string): Promise<FoldLog[]>;
}

/** Maximum number of runs that are being planned or are waiting to be planned. */
const PLANNING = 16;

/**
 * Controls runs through a store, and through the queues of a cluster if there is one. Local runs only need the store.
 */
export class StoreControl implements RunControl {
  readonly decoded: Decoded;
  #planning = 0;
  #lastPlanned: Promise<unknown> = Promise.resolve();

  /**
   * @param queues queues of the cluster that executes the runs of this store; undefined without a cluster
   * @param working runs that are known to be executed by a process on this machine, even if `queues` does not show it;
   * for each run, its private queues if they are reachable
   */
  constructor(
    readonly store: RunStore,
    readonly queues?: Queues,
    readonly working: ReadonlyMap<string, Queues | undefined> = new Map(),
  ) {
    this.decoded = new Decoded(store);
  }

  #queuesOf(run: string): Queues | undefined {
    return this.working.get(run) ?? this.queues;
  }

  async list(): Promise<RunStatus[]> {
    const runs: RunStatus[] = [];
    for (const run of await this.store.runs.ids()) {
      const status = await unlessDeleted(this.status(run));
      if (status) runs.push(status);
    }
    return runs;
  }

  async cluster(): Promise<ClusterStatus> {
    const all = [this.queues, ...this.working.values()].flatMap((queues) => queues ?? []);
    return { ...(await queueStatus(...all)), unfinished: (await this.list()).filter(isUnfinished) };
  }

  async status(run: string): Promise<RunStatus> {
    try {
      return await statusOf(this.store, this.#queuesOf(run), await this.decoded.plan(run), this.working.has(run));
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      return unreadableStatus(run, error, await this.store.runs.isCancelled(run));
    }
  }

  async cancel(run: string): Promise<RunStatus> {
    await cancelRun(this.store, this.#queuesOf(run), run);
    return this.status(run);
  }

  async schedule(run: string, change: SchedulingChange): Promise<RunStatus> {
    await scheduleRun(this.store, run, change);
    return this.status(run);
  }

  async retry(run: string): Promise<RunStatus> {
    const plan = await reopenRun(this.store, this.#queuesOf(run), run);
    return plan ? this.#start(plan) : this.status(run);
  }

  async extend(run: string, repeats: number): Promise<RunStatus> {
    return this.#plan(() => extendRun(this.store, run, repeats));
  }

  async submit(spec: Spec, dataset: string): Promise<RunStatus> {
    return this.#plan(() => submitRun(this.store, spec, dataset));
  }

  async submitChampion(name: string, version: string, challenger: string): Promise<RunStatus> {
    return this.#plan(async () => {
      const plan = await planStoredChampion(this.store, name, version, await this.decoded.plan(challenger));
      return submitPlan(this.store, plan);
    });
  }

  async logs(run: string, fold?: string): Promise<FoldLog[]> {
    const plan = await this.decoded.plan(run);
    const jobs = fold === undefined ? plan.jobs : [findJob(plan, fold)];
    const { folds } = this.store;
    const read = async (job: FoldJob) => foldLog(folds, plan, job, await folds.result(job.key));
    if (fold !== undefined) return Promise.all(jobs.map(read));
    let left = ALL_LOGS;
    const logs = await mapLimited(jobs, async (job) => {
      const log = await read(job);
      if (log.failed.length === 0) return [];
      for (const { log: text = '' } of [log.committed ?? {}, ...log.failed]) left -= text.length;
      return [left < 0 ? withoutText(log) : log];
    });
    return logs.flat();
  }

  /**
   * Plans and starts runs one at a time, since planning a run at the size limits takes seconds and about 150 MB of
   * memory.
   * @throws CryfoldError API_BUSY
   */
  async #plan(make: () => Promise<RunPlan>): Promise<RunStatus> {
    if (this.#planning >= PLANNING) {
      throw new CryfoldError('API_BUSY', `${PLANNING} runs are already being planned`, {
        hint: 'Try again later.',
      });
    }
    this.#planning++;
    const started = this.#lastPlanned.then(async () => this.#start(await make()));
    this.#lastPlanned = started.catch(() => {});
    return started.finally(() => {
      this.#planning--;
    });
  }

  async #start(plan: RunPlan): Promise<RunStatus> {
    const status = await this.status(plan.run);
    const queues = this.#queuesOf(plan.run);
    if (status.state === 'complete' || !queues) return status;
    await enqueueRun(queues, plan);
    return this.status(plan.run);
  }
}
