import { CryfoldError, DAMAGE_CODES } from '@cryfold/core';
import { type Attempt, failureOf } from '@cryfold/queue';
import type { RunStore } from '@cryfold/store';
import type { RunDriver, RunQueues } from './run-driver.js';
import type { SearchDriver } from './search-driver.js';

/**
 * Milliseconds between full reconciliations of a run. Between reconciliations, events keep the run's state up to date.
 */
const RECONCILE_MS = 3000;
/** How often to check whether a run was cancelled, in milliseconds. */
const CANCELLED_MS = 1000;
/** Milliseconds between steps, unless an event triggers one sooner. */
const STEP_MS = 250;

export interface RunAttemptOptions {
  driver: RunDriver;
  /** Undefined for a run that is not a sweep */
  search: SearchDriver | undefined;
  store: RunStore;
  queues: RunQueues;
  attempt: Pick<Attempt, 'signal' | 'progress'>;
  /** Milliseconds between steps of each kind, for tests */
  intervalsMs?: { reconcile: number; cancelled: number };
}

/**
 * Executes a run's job once, by repeating its steps until the run has ended. Each step can also be called separately.
 */
export class RunAttempt {
  readonly #options: RunAttemptOptions;
  readonly #run: string;
  readonly #intervalsMs: { reconcile: number; cancelled: number };
  #reconciled = Date.now();
  #checked = 0;
  /** The last published progress, as JSON */
  #published = '';

  constructor(options: RunAttemptOptions) {
    this.#options = options;
    this.#run = options.driver.folds.plan.run;
    this.#intervalsMs = options.intervalsMs ?? { reconcile: RECONCILE_MS, cancelled: CANCELLED_MS };
  }

  /**
   * Executes a run until it ends. The caller must first call the driver's `begin`.
   * @throws CryfoldError CANCELLED if the coordinator stops; RUN_FAILED if the results cannot be computed
   */
  async run(): Promise<'finished' | 'cancelled'> {
    const { driver, attempt } = this.#options;
    while (!(await this.finish())) {
      if (attempt.signal.aborted) throw new CryfoldError('CANCELLED', 'the coordinator is stopping');
      if (await this.cancel()) return 'cancelled';
      await this.reconcile();
      await this.sweep();
      await this.publish();
      await driver.pause(STEP_MS);
    }
    await driver.forgetFailures();
    await this.publish(true);
    return 'finished';
  }

  /**
   * Checks every second whether the run was rescheduled or cancelled. Cancelling removes its waiting jobs.
   * @returns whether it was cancelled
   */
  async cancel(): Promise<boolean> {
    const { driver, store } = this.#options;
    if (Date.now() - this.#checked < this.#intervalsMs.cancelled) return false;
    this.#checked = Date.now();
    if (await store.runs.isCancelled(this.#run)) {
      await driver.cancel();
      return true;
    }
    await driver.schedule(await store.runs.scheduling(driver.folds.plan));
    return false;
  }

  /** Reconciles periodically, in case events were missed. */
  async reconcile(): Promise<void> {
    if (Date.now() - this.#reconciled < this.#intervalsMs.reconcile) return;
    await this.#options.driver.reconcile();
    this.#reconciled = Date.now();
  }

  /** Lets a sweep make decisions based on finished folds, and passes its new plan to the driver. */
  async sweep(): Promise<void> {
    const { driver, search } = this.#options;
    if (search && (await search.step(driver.folds))) await driver.replan(search.plan);
  }

  /** Publishes the progress of the run on its job if it has changed or if `anyway` is set. */
  async publish(anyway = false): Promise<void> {
    const { driver, search, attempt } = this.#options;
    const folds = { ...driver.folds.progress(), scheduling: driver.scheduling };
    const progress = search?.describe(folds) ?? folds;
    const text = JSON.stringify(progress);
    if (anyway || text !== this.#published) await attempt.progress(progress);
    this.#published = text;
  }

  /**
   * Requests the results once every fold has a result or has permanently failed. @returns whether the results exist
   * @throws CryfoldError RUN_FAILED, whose context contains `repaired` if folds are missing again
   */
  async finish(): Promise<boolean> {
    const { driver, search, store, queues } = this.#options;
    if (!driver.folds.settled || search?.finished === false) return false;
    driver.folds.phase = 'aggregate';
    if (await store.runs.hasResults(this.#run)) return true;
    const failed = (await queues.failures('aggregate', [this.#run])).get(this.#run);
    if (failed !== undefined) {
      await queues.remove('aggregate', this.#run);
      const { code, message, hint } = failureOf(failed);
      throw new CryfoldError('RUN_FAILED', `aggregating the results failed: ${code}: ${message}`, {
        context: { run: this.#run, repaired: DAMAGE_CODES.has(code) },
        ...(hint ? { hint } : {}),
      });
    }
    await queues.add('aggregate', [{ id: this.#run, payload: { format: 1, kind: 'run', run: this.#run } }]);
    return false;
  }
}
