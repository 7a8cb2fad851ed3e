import { setTimeout as sleep } from 'node:timers/promises';
import { CryfoldError, endsWithin } from '@cryfold/core';
import {
  type Attempt,
  Consumer,
  QUEUE_NAMES,
  type QueueName,
  Queues,
  type RunPayload,
  runPayload,
} from '@cryfold/queue';
import {
  type Checks,
  consumerObserver,
  type Logger,
  type Metrics,
  NO_METRICS,
  RepeatedErrors,
  type Service,
} from '@cryfold/runtime';
import type { RunStore } from '@cryfold/store';
import { watchModels } from './model-metrics.js';
import { watchQueues } from './queue-metrics.js';
import { RunAttempt } from './run-attempt.js';
import { RunDriver } from './run-driver.js';
import { RunFolds } from './run-folds.js';
import { RunMetrics } from './run-metrics.js';
import { SearchDriver } from './search-driver.js';

export interface CoordinatorOptions {
  redisUrl: string;
  /** The coordinator does not close this store when it stops */
  store: RunStore;
  log: Logger;
  metrics?: Metrics;
  /** The only run to execute, for the coordinator of a local run */
  only?: string;
}

/** Milliseconds between scans of the store for runs whose job Redis may have lost. */
const SCAN_MS = 5000;
/** Milliseconds after which an unfinished scan counts as stuck. */
const STUCK_MS = 60_000;
/** Milliseconds to wait for scans of the store and the queues when the coordinator stops. */
const STOPPING_MS = 3000;
/** Maximum number of concurrent runs per coordinator. */
const RUNS = 100;
/** Maximum number of times that damaged results are retrained before the run fails. */
const REPAIRS = 3;

/** Resources that exist between `start` and `stop`. */
interface Running {
  queues: Queues;
  consumer: Consumer<RunPayload>;
  /** Loops that scan the store and export metrics until `stopped` is signalled */
  loops: Promise<unknown>;
}

/**
 * Executes all unfinished runs. Several coordinators may be active. In that case, the lock on a run's job determines
 * which of them executes the run.
 */
export class Coordinator implements Service {
  readonly #options: CoordinatorOptions;
  readonly #metrics: Metrics;
  readonly #errors: RepeatedErrors;
  readonly #runMetrics: RunMetrics;
  readonly #drivers = new Set<RunDriver>();
  readonly #stopped = new AbortController();
  #running: Running | undefined;
  #scanned = 0;
  readonly checks: Checks = {
    redis: async () => this.#running?.consumer.check(),
    store: () => this.#options.store.ping(),
    loop: async () => {
      const late = Date.now() - this.#scanned;
      if (late > STUCK_MS) throw new Error(`the last scan of runs was ${Math.round(late / 1000)} s ago`);
    },
  };

  constructor(options: CoordinatorOptions) {
    this.#options = options;
    this.#metrics = options.metrics ?? NO_METRICS;
    this.#errors = new RepeatedErrors(options.log);
    this.#runMetrics = new RunMetrics(this.#metrics, options.store);
  }

  /** Connects to Redis, subscribes to all queues and starts the first runs. @throws CryfoldError REDIS_UNREACHABLE */
  async start(): Promise<void> {
    const { redisUrl, store, log } = this.#options;
    const queues = new Queues(redisUrl, () => this.#metrics.add('cryfold_redis_reconnects_total', {}));
    try {
      await this.#listen(queues);
    } catch (error) {
      await queues.close();
      throw error;
    }
    const { signal } = this.#stopped;
    this.#scanned = Date.now();
    this.#running = {
      queues,
      consumer: this.#consume(queues),
      loops: Promise.all([
        this.#scan(queues),
        watchQueues(queues, this.#metrics, signal),
        watchModels(store.artifacts, this.#metrics, signal),
      ]),
    };
    log.info('coordinator ready');
  }

  async stop(_graceSeconds: number): Promise<void> {
    this.#stopped.abort();
    if (!this.#running) return;
    const { queues, consumer, loops } = this.#running;
    // Stopping loses no work, because another coordinator continues.
    await Promise.all([consumer.close(true), endsWithin(STOPPING_MS, loops)]);
    await queues.close();
  }

  #consume(queues: Queues): Consumer<RunPayload> {
    return new Consumer({
      url: this.#options.redisUrl,
      queue: 'runs',
      schema: runPayload,
      concurrency: RUNS,
      // A run may take days. Coordinators may die many times during that period for reasons unrelated to the run.
      maxStalledCount: 1e9,
      handle: (payload, attempt) => this.#drive(payload.run, queues, attempt),
      onError: (error) => this.#errors.warn({ err: error }, 'queue error'),
      observer: consumerObserver(this.#metrics, 'runs'),
    });
  }

  /** Forwards events of jobs to the runs to which they belong. */
  async #listen(queues: Queues): Promise<void> {
    const dead = (queue: QueueName, count = 1) => this.#metrics.add('cryfold_dead_jobs_total', { queue }, count);
    for (const queue of QUEUE_NAMES) dead(queue, 0);
    if (this.#metrics.on) await queues.listen('runs', { failed: () => dead('runs') });
    for (const name of ['gpu', 'cpu'] as const) {
      await queues.listen(name, {
        completed: (id) => this.#notify((driver) => driver.onCompleted(id)),
        failed: (id, reason) => {
          dead(name);
          this.#notify((driver) => driver.onFailed(id, reason));
        },
        progress: (id, data) => {
          const { done, total, waits } = data as { done: number; total: number; waits?: string };
          for (const driver of this.#drivers) {
            if (waits === undefined) driver.folds.markActive(id, total > 0 ? done / total : 0);
            else driver.onWaits(id, waits);
          }
        },
      });
    }
    await queues.listen('aggregate', {
      completed: (run) => this.#nudge(run),
      progress: (run, data) => {
        const { waits } = data as { waits?: string };
        if (waits !== undefined) for (const driver of this.#drivers) driver.onWaits(run, waits);
      },
      failed: (run) => {
        dead('aggregate');
        this.#nudge(run);
      },
    });
  }

  #notify(action: (driver: RunDriver) => Promise<void>): void {
    for (const driver of this.#drivers) {
      driver
        .within(() => action(driver))
        .catch((error) =>
          this.#errors.warn({ err: error }, 'event handling failed; the next reconciliation will catch up'),
        );
    }
  }

  #nudge(run: string): void {
    for (const driver of this.#drivers) if (driver.folds.plan.run === run) driver.nudge();
  }

  /** The store is the source of truth, so runs whose job Redis has lost are enqueued again. */
  async #scan(queues: Queues): Promise<void> {
    const { store, only } = this.#options;
    while (!this.#stopped.signal.aborted) {
      try {
        const runs = (await store.runs.unfinished()).filter((run) => (only ?? run) === run);
        await queues.add(
          'runs',
          runs.map((run) => ({ id: run, payload: { format: 1, kind: 'run', run } })),
        );
        this.#scanned = Date.now();
        await this.#runMetrics.refresh();
      } catch (error) {
        this.#errors.warn({ err: error }, 'listing runs failed');
      }
      await sleep(SCAN_MS, undefined, { signal: this.#stopped.signal }).catch(() => {});
    }
  }

  async #drive(run: string, queues: Queues, attempt: Attempt): Promise<void> {
    for (let repairs = 0; ; repairs++) {
      try {
        return await this.#driveOnce(run, queues, attempt);
      } catch (error) {
        // The aggregator has removed the records of folds whose data is missing, so these folds count as missing again.
        if (!(error instanceof CryfoldError && error.context.repaired) || repairs >= REPAIRS) throw error;
        this.#options.log.warn({ run, err: error }, 'retraining folds with damaged results');
      }
    }
  }

  async #driveOnce(run: string, queues: Queues, attempt: Attempt): Promise<void> {
    const { store } = this.#options;
    const log = this.#options.log.child({ run });
    const reading = store.runs.plan(run);
    reading.catch(() => {});
    // This check precedes reading the plan, because an operator may have cancelled a run whose plan is unreadable.
    if (await store.runs.isCancelled(run)) return;
    const stored = await reading;
    const folds = new RunFolds(stored.plan);
    const search = SearchDriver.of(store, stored);
    const driver = new RunDriver({ folds, store, queues, log });
    log.info({ folds: folds.plan.jobs.length }, 'run started');
    // Registered before enqueuing, since short folds may finish while others are still being enqueued. Catching up on
    // 1,000 missed events would take 3 s.
    this.#drivers.add(driver);
    let ended: 'finished' | 'cancelled' | 'failed' = 'failed';
    try {
      await driver.begin();
      this.#runMetrics.begin(folds, attempt.added, search);
      ended = await new RunAttempt({ driver, search, store, queues, attempt }).run();
      log.info(`run ${ended}`);
    } finally {
      this.#drivers.delete(driver);
      if (!attempt.signal.aborted) await this.#runMetrics.end(run, ended);
    }
  }
}
