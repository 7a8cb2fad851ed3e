import { setTimeout as sleep } from 'node:timers/promises';
import { type ArtifactStore, observed, openStore, RunStore, type S3Settings, storeKeys } from '@cryfold/artifacts';
import { CryfoldError, DAMAGE_CODES, endsWithin } from '@cryfold/core';
import {
  type Attempt,
  Consumer,
  failureOf,
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
  type Service,
  storeObserver,
} from '@cryfold/runtime';
import { watchModels } from './model-metrics.js';
import { watchQueues } from './queue-metrics.js';
import { RunDriver } from './run-driver.js';
import { RunMetrics } from './run-metrics.js';
import { RunState } from './run-state.js';
import { SearchDriver } from './search-driver.js';

export interface CoordinatorOptions {
  redisUrl: string;
  storeUrl: string;
  /** How to reach the server of an `s3:` store */
  s3: S3Settings | undefined;
  log: Logger;
  metrics?: Metrics;
  /** The one run to drive, where the command that started this coordinator has no other business */
  only?: string;
}

/** Milliseconds between looks at runs in the store that Redis may have forgotten. */
const SCAN = 5000;
/** Milliseconds after which a look that has not ended is no longer slow, but stuck. */
const STUCK = 60_000;
/** Milliseconds between full reconciliations of a run; events cover the time between. */
const RECONCILE = 3000;
/** Milliseconds between looks at whether a run was cancelled. */
const CANCELLED = 1000;
const PROGRESS = 250;
/** Milliseconds that looks at the store and the queues may take to end when the coordinator stops. */
const STOPPING = 3000;
/** Runs driven side by side by one coordinator. */
const RUNS = 100;
/** How often damaged results are trained again before the store counts as the cause. */
const REPAIRS = 3;

/** Drives every unfinished run. Several may run at once; a run's job lock gives it to one of them. */
export class Coordinator implements Service {
  readonly #store: ArtifactStore;
  readonly #queues: Queues;
  readonly #log: Logger;
  readonly #consumer: Consumer<RunPayload>;
  readonly #drivers = new Set<RunDriver>();
  readonly #stopped = new AbortController();
  readonly #only: string | undefined;
  readonly checks: Checks;
  readonly #watching: Promise<unknown>;
  readonly #runMetrics: RunMetrics;
  #scanning: Promise<void>;
  #scanned = Date.now();

  private constructor(options: CoordinatorOptions, queues: Queues, metrics: Metrics) {
    this.#store = observed(openStore(options.storeUrl, options.s3), storeObserver(metrics));
    this.#runMetrics = new RunMetrics(metrics, this.#store);
    this.#queues = queues;
    this.#log = options.log;
    this.#only = options.only;
    this.#consumer = new Consumer({
      url: options.redisUrl,
      queue: 'runs',
      schema: runPayload,
      concurrency: RUNS,
      // A run is not to blame for how often coordinators die in the days that it takes.
      maxStalledCount: 1e9,
      handle: (payload, attempt) => this.#drive(payload.run, attempt),
      onError: (error) => this.#log.warn({ err: error }, 'queue error'),
      observer: consumerObserver(metrics, 'runs'),
    });
    this.#scanning = this.#scan();
    const { signal } = this.#stopped;
    this.#watching = Promise.all([watchQueues(queues, metrics, signal), watchModels(this.#store, metrics, signal)]);
    this.checks = {
      redis: () => this.#consumer.check(),
      store: () => this.#store.has('checks/ready'),
      loop: async () => {
        const late = Date.now() - this.#scanned;
        if (late > STUCK) throw new Error(`runs were listed last ${Math.round(late / 1000)} s ago`);
      },
    };
  }

  static async start(options: CoordinatorOptions): Promise<Coordinator> {
    const metrics = options.metrics ?? NO_METRICS;
    const queues = new Queues(options.redisUrl, () => metrics.add('cryfold_redis_reconnects_total', {}));
    const coordinator = new Coordinator(options, queues, metrics);
    const dead = (queue: QueueName, count = 1) => metrics.add('cryfold_dead_jobs_total', { queue }, count);
    for (const queue of QUEUE_NAMES) dead(queue, 0);
    if (metrics.on) await queues.listen('runs', { failed: () => dead('runs') });
    for (const name of ['gpu', 'cpu'] as const) {
      await queues.listen(name, {
        completed: (id) => coordinator.#tell((driver) => driver.onCompleted(id)),
        failed: (id, reason) => {
          dead(name);
          coordinator.#tell((driver) => driver.onFailed(id, reason));
        },
        progress: (id, data) => {
          const { done, total, waits } = data as { done: number; total: number; waits?: string };
          for (const driver of coordinator.#drivers) {
            if (waits === undefined) driver.state.markActive(id, total > 0 ? done / total : 0);
            else driver.onWaits(id, waits);
          }
        },
      });
    }
    await queues.listen('aggregate', {
      completed: (run) => coordinator.#nudge(run),
      progress: (run, data) => {
        const { waits } = data as { waits?: string };
        if (waits !== undefined) for (const driver of coordinator.#drivers) driver.onWaits(run, waits);
      },
      failed: (run) => {
        dead('aggregate');
        coordinator.#nudge(run);
      },
    });
    options.log.info('coordinator ready');
    return coordinator;
  }

  async stop(_graceSeconds: number): Promise<void> {
    this.#stopped.abort();
    // Driving has no work of its own to lose: another coordinator goes on where this one stops.
    await this.#consumer.close(true);
    await endsWithin(STOPPING, Promise.all([this.#scanning, this.#watching]));
    await this.#queues.close();
    await this.#store.close();
  }

  #tell(action: (driver: RunDriver) => Promise<void>): void {
    for (const driver of this.#drivers) {
      driver
        .within(() => action(driver))
        .catch((error) => this.#log.warn({ err: error }, 'event not handled; reconciliation will'));
    }
  }

  #nudge(run: string): void {
    for (const driver of this.#drivers) if (driver.state.plan.run === run) driver.nudge();
  }

  /** Truth is in the store: a run whose job Redis lost is enqueued again. */
  async #scan(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      try {
        const runs = new Set<string>();
        const ended = new Set<string>();
        for await (const key of this.#store.list('runs/')) {
          const [, run, file] = key.split('/');
          if (key === storeKeys.plan(run)) runs.add(run);
          if (file === 'results.json' || file === 'cancelled.json') ended.add(run);
        }
        const unfinished = [...runs].filter((run) => !ended.has(run) && (this.#only ?? run) === run);
        await this.#queues.add(
          'runs',
          unfinished.map((run) => ({ id: run, payload: { format: 1, kind: 'run', run } })),
        );
        this.#scanned = Date.now();
        await this.#runMetrics.refresh();
      } catch (error) {
        this.#log.warn({ err: error }, 'runs could not be listed');
      }
      await sleep(SCAN, undefined, { signal: this.#stopped.signal }).catch(() => {});
    }
  }

  async #drive(run: string, attempt: Attempt): Promise<void> {
    for (let repairs = 0; ; repairs++) {
      try {
        return await this.#driveOnce(run, attempt);
      } catch (error) {
        // The aggregator found records whose bytes are gone and took them back: those folds are missing again.
        if (!(error instanceof CryfoldError && error.context.repaired) || repairs >= REPAIRS) throw error;
        this.#log.warn({ run, err: error }, 'folds whose results were damaged are trained again');
      }
    }
  }

  async #driveOnce(run: string, attempt: Attempt): Promise<void> {
    const log = this.#log.child({ run });
    // Before the plan is read: an operator may have cancelled a run because its plan cannot be.
    if (await this.#store.has(storeKeys.cancelled(run))) return;
    const stored = await new RunStore(this.#store).runs.plan(run);
    const state = new RunState(stored.plan);
    const search = SearchDriver.of(this.#store, stored);
    const driver = new RunDriver(state, this.#store, this.#queues, log);
    log.info({ folds: state.plan.jobs.length }, 'run taken');
    // Before the first fold is enqueued: short ones end while others still are, and 1,000 that nobody heard cost 3 s.
    this.#drivers.add(driver);
    let ended: 'finished' | 'cancelled' | 'failed' = 'failed';
    try {
      await driver.begin();
      this.#runMetrics.begin(state, attempt.added, search);
      let reconciled = Date.now();
      let looked = 0;
      let told = '';
      while (!(await this.#finish(driver, search))) {
        if (attempt.signal.aborted) throw new CryfoldError('CANCELLED', 'coordinator is stopping');
        if (Date.now() - looked >= CANCELLED) {
          if (await this.#store.has(storeKeys.cancelled(run))) {
            await driver.cancel();
            ended = 'cancelled';
            return log.info('run cancelled');
          }
          looked = Date.now();
        }
        if (Date.now() - reconciled >= RECONCILE) {
          await driver.reconcile();
          reconciled = Date.now();
        }
        if (await search?.step(state)) await driver.replan(search!.plan);
        const progress = search?.describe(state.progress()) ?? state.progress();
        const text = JSON.stringify(progress);
        if (text !== told) await attempt.progress(progress);
        told = text;
        await driver.pause(PROGRESS);
      }
      await driver.forgetFailures();
      await attempt.progress(search?.describe(state.progress()) ?? state.progress());
      log.info('run finished');
      ended = 'finished';
    } finally {
      this.#drivers.delete(driver);
      if (!attempt.signal.aborted) await this.#runMetrics.end(run, ended);
    }
  }

  /** Once every fold has a result or a final failure, the aggregator writes the results; true when it has. */
  async #finish({ state }: RunDriver, search: SearchDriver | undefined): Promise<boolean> {
    if (!state.settled || search?.finished === false) return false;
    state.phase = 'aggregate';
    const { run } = state.plan;
    if (await this.#store.has(storeKeys.results(run))) return true;
    const failed = (await this.#queues.failures('aggregate', [run])).get(run);
    if (failed !== undefined) {
      await this.#queues.remove('aggregate', run);
      const { code, message, hint } = failureOf(failed);
      throw new CryfoldError('RUN_FAILED', `the results could not be put together: ${code}: ${message}`, {
        context: { run, repaired: DAMAGE_CODES.has(code) },
        ...(hint ? { hint } : {}),
      });
    }
    await this.#queues.add('aggregate', [{ id: run, payload: { format: 1, kind: 'run', run } }]);
    return false;
  }
}
