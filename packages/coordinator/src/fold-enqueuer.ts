import type { FoldQueue } from '@cryfold/estimators';
import type { FoldJob, RunPlan, Scheduling } from '@cryfold/plan';
import type { JobRequest, Queues } from '@cryfold/queue';
import type { Logger } from '@cryfold/runtime';
import { FairLane, WINDOW } from './fair-lane.js';

export const FOLD_QUEUES: readonly FoldQueue[] = ['gpu', 'cpu'];

/** Smallest priority of the waiting jobs in each queue; undefined if none is waiting. */
export type Fronts = ReadonlyMap<FoldQueue, number | undefined>;

export interface FoldEnqueuerOptions {
  queues: Pick<Queues, 'add' | 'front'>;
  scheduling: Scheduling;
  log: Logger;
  /** The run's current plan, and which of its folds are still pending */
  folds: { readonly plan: RunPlan; isPending(key: string): boolean };
}

/** Enqueues the runnable folds of a run by fair share, up to the maximum number of enqueued folds. */
export class FoldEnqueuer {
  scheduling: Scheduling;
  readonly #options: FoldEnqueuerOptions;
  readonly #lanes = new Map(FOLD_QUEUES.map((queue) => [queue, new FairLane()]));
  /** Runs calls of `fill` one after the other, so that concurrent calls do not exceed the limit */
  #filling: Promise<unknown> = Promise.resolve();

  constructor(options: FoldEnqueuerOptions) {
    this.#options = options;
    this.scheduling = options.scheduling;
  }

  /** Whether a fold was enqueued and has not ended. */
  expects({ queue, key }: FoldJob): boolean {
    return this.#lane(queue).has(key);
  }

  /** Keys of all enqueued folds that have not ended. */
  expected(): ReadonlySet<string> {
    return new Set([...this.#lanes.values()].flatMap((lane) => lane.keys()));
  }

  /** Applies the result of a reconciliation: which folds can run and which are enqueued. Call this before `fill`. */
  reset(runnable: readonly FoldJob[], enqueued: readonly FoldJob[]): void {
    for (const [queue, lane] of this.#lanes) {
      const own = (jobs: readonly FoldJob[]) => jobs.filter((job) => job.queue === queue);
      lane.reset(
        own(runnable),
        own(enqueued).map(({ key }) => key),
      );
    }
  }

  /** Records that a fold has ended. If few of the run's folds are left in the queue, enqueues more. */
  async ended({ queue, key }: FoldJob): Promise<void> {
    const lane = this.#lane(queue);
    lane.ended(key);
    if (lane.waiting && lane.enqueued <= this.#limit / 2) await this.fill();
  }

  /** Reads the priority at the front of each queue, which `fill` needs. @throws CryfoldError REDIS_UNREACHABLE */
  async fronts(): Promise<Fronts> {
    const { queues } = this.#options;
    return new Map(await Promise.all(FOLD_QUEUES.map(async (queue) => [queue, await queues.front(queue)] as const)));
  }

  /**
   * Enqueues as many folds as the limit allows.
   * @param fronts recent result of `fronts`; if absent, it is read for each queue
   * @throws CryfoldError REDIS_UNREACHABLE
   */
  async fill(fronts?: Fronts): Promise<void> {
    const filled = this.#filling.then(async () => {
      for (const queue of FOLD_QUEUES) await this.#fill(queue, fronts);
    });
    this.#filling = filled.catch(() => {});
    return filled;
  }

  get #limit(): number {
    const { paused, maxParallel = WINDOW } = this.scheduling;
    return paused ? 0 : Math.min(maxParallel, WINDOW);
  }

  /**
   * Returns how many jobs of a lane may be enqueued. `maxParallel` limits both queues together; the window limits each
   * queue.
   */
  #room(lane: FairLane): number {
    const all = [...this.#lanes.values()].reduce((sum, { enqueued }) => sum + enqueued, 0);
    return this.#limit - (this.scheduling.maxParallel === undefined ? lane.enqueued : all);
  }

  async #fill(queue: FoldQueue, fronts: Fronts | undefined): Promise<void> {
    const { queues, folds, log } = this.#options;
    const lane = this.#lane(queue);
    const room = this.#room(lane);
    if (!lane.waiting || room <= 0) return;
    const { priority } = this.scheduling;
    const front = fronts ? fronts.get(queue) : await queues.front(queue);
    const taken = lane.take({ front, room, priority }, (key) => folds.isPending(key));
    if (taken.length === 0) return;
    await queues.add(
      queue,
      taken.map(({ job, priority }) => ({ ...this.#request(job), priority })),
    );
    log.info({ queue, folds: taken.length }, 'folds enqueued');
  }

  #request({ key }: FoldJob): JobRequest {
    return { id: key, payload: { format: 1, kind: 'fold', run: this.#options.folds.plan.run, key } };
  }

  #lane(queue: FoldQueue): FairLane {
    return this.#lanes.get(queue) as FairLane;
  }
}
