import type { RunProgress } from '@cryfold/coordinator';
import { CryfoldError } from '@cryfold/core';
import type { RunPlan } from '@cryfold/plan';
import { failureOf, type Queues } from '@cryfold/queue';
import { enqueueRun, queueStatus } from '@cryfold/run-control';
import type { RunStore } from '@cryfold/store';
import type { FollowedRun, PollResult } from './run-follower.js';

/** Number of polls between checks for workers. */
const WORKERS = 100;
/** Number of polls between checks for cancellation. */
const CANCELLED = 5;

export interface QueuedRunOptions {
  queues: Queues;
  /** Whether this command manages its own workers, in which case it does not need to check for them */
  ownWorkers: boolean;
  /** Formats the progress as one line */
  describe: (progress: RunProgress) => string;
}

/** A run on a cluster whose Redis and store are directly accessible. */
export class QueuedRun implements FollowedRun {
  readonly pollMs = 300;
  readonly #store: RunStore;
  readonly #queues: Queues;
  readonly #run: string;
  readonly #ownWorkers: boolean;
  readonly #describe: (progress: RunProgress) => string;
  #line: string | undefined;
  #waits: string | undefined;
  #failed: CryfoldError | undefined;

  private constructor(store: RunStore, run: string, { queues, ownWorkers, describe }: QueuedRunOptions) {
    this.#store = store;
    this.#queues = queues;
    this.#run = run;
    this.#ownWorkers = ownWorkers;
    this.#describe = describe;
  }

  /** Submits a stored run to the cluster, and subscribes to its progress. */
  static async submit(plan: RunPlan, store: RunStore, options: QueuedRunOptions): Promise<QueuedRun> {
    const { queues } = options;
    const run = new QueuedRun(store, plan.run, options);
    await queues.listen('runs', {
      progress: (id, data) => {
        if (id === plan.run) run.#onProgress(data as RunProgress | Pick<RunProgress, 'waits'>);
      },
      failed: (id, reason) => {
        if (id === plan.run) run.#failed = CryfoldError.fromRecord(failureOf(reason));
      },
    });
    await enqueueRun(queues, plan);
    return run;
  }

  /** Handles events of the run's job: its progress, or why it is waiting. */
  #onProgress(published: RunProgress | Pick<RunProgress, 'waits'>): void {
    this.#waits = published.waits;
    if ('total' in published) this.#line = this.#describe(published);
  }

  async poll(polls: number): Promise<PollResult> {
    const { runs } = this.#store;
    const line = this.#line;
    if (await runs.hasResults(this.#run)) return { state: 'ended', line };
    if (polls % CANCELLED === CANCELLED - 1 && (await runs.isCancelled(this.#run))) return { state: 'cancelled' };
    if (this.#failed) throw this.#failed;
    const asks = !this.#ownWorkers && polls % WORKERS === 10;
    return {
      state: 'unfinished',
      line,
      ...(asks ? await this.#cluster() : { cluster: undefined, waits: this.#waits }),
    };
  }

  /** The run continues while Redis is unreachable, so keep following it. */
  async #cluster(): Promise<Pick<PollResult, 'cluster' | 'waits'>> {
    try {
      return { cluster: await queueStatus(this.#queues), waits: this.#waits };
    } catch (error) {
      if (!(error instanceof CryfoldError) || error.code !== 'REDIS_UNREACHABLE') throw error;
      return { cluster: undefined, waits: `${error.code}: ${error.message}` };
    }
  }
}
