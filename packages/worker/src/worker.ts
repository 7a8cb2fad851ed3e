import { hostname } from 'node:os';
import { CryfoldError } from '@cryfold/core';
import { checkCommandsAllowed, type Estimator, type FoldQueue } from '@cryfold/estimators';
import { prerequisiteOf, type RunPlan, settingsOf } from '@cryfold/plan';
import { type Attempt, Beacon, Consumer, type WorkPayload, workPayload } from '@cryfold/queue';
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
import { unlessCancelled } from './cancellation.js';
import { ChildPool } from './child-pool.js';
import { FoldAttempt } from './fold-attempt.js';
import { watchGpus } from './gpu-metrics.js';
import { GracePeriod } from './grace-period.js';
import { PlanCache } from './plan-cache.js';
import { trainFinal } from './train-final.js';
import { Training } from './training.js';
import { WarmChild } from './warm-child.js';
import { WorkerMetrics } from './worker-metrics.js';

export interface WorkerOptions {
  redisUrl: string;
  store: RunStore;
  /** URL of the same store, for training children */
  storeUrl: string;
  queues: readonly FoldQueue[];
  /** Number of training children per queue; each trains one fold at a time */
  children: number;
  /**
   * The GPUs for the children of the `gpu` queue; each child can only see its own GPU. If set, the number of GPUs
   * replaces `children` for that queue
   */
  gpus?: readonly string[] | undefined;
  childMemoryMb: number;
  /** Whether to run programs of command estimators */
  allowCommands?: boolean;
  /** Seconds for which folds may continue when the worker stops; infinite for a worker that is never drained */
  graceSeconds: number;
  /** Cache folder for pretrained weights, which all workers of a machine share */
  cacheDir: string;
  log: Logger;
  metrics?: Metrics;
}

/** Takes jobs from the fold queues, runs them in warm child processes, and commits each result once. */
export class Worker implements Service {
  readonly #options: WorkerOptions;
  readonly #metrics: WorkerMetrics;
  readonly #grace: GracePeriod;
  readonly #errors: RepeatedErrors;
  readonly #plans: PlanCache;
  readonly #pools = new Map<FoldQueue, ChildPool>();
  readonly #stopped = new AbortController();
  #consumers: Consumer<WorkPayload>[] = [];
  #beacon: Beacon | undefined;
  readonly checks: Checks = {
    redis: () => Promise.all(this.#consumers.map((consumer) => consumer.check())),
    store: () => this.#options.store.ping(),
  };

  constructor(options: WorkerOptions) {
    const { metrics = NO_METRICS, queues, gpus, children, store } = options;
    const slots = (queue: string) => (queue === 'gpu' && gpus?.length) || children;
    this.#options = options;
    this.#grace = new GracePeriod(options.graceSeconds, options.log);
    this.#errors = new RepeatedErrors(options.log);
    this.#plans = new PlanCache(store);
    this.#metrics = new WorkerMetrics(metrics, queues, slots);
    for (const queue of queues) {
      const child = (index: number) =>
        new WarmChild(this.#metrics.child(queue, index), queue === 'gpu' ? gpus?.[index] : undefined);
      this.#pools.set(queue, new ChildPool(Array.from({ length: slots(queue) }, (_, index) => child(index))));
    }
  }

  /** Connects to Redis and starts to take jobs. */
  async start(): Promise<void> {
    const { redisUrl, queues, metrics = NO_METRICS, log, children, gpus } = this.#options;
    this.#beacon = new Beacon(redisUrl, {
      id: `${hostname()}-${process.pid}`,
      host: hostname(),
      pid: process.pid,
      queues: [...queues],
      children: Math.max(...[...this.#pools.values()].map(({ size }) => size)),
    });
    this.#consumers = [...this.#pools].map(([queue, pool]) => this.#consume(queue, pool));
    if (queues.includes('gpu')) void watchGpus(metrics, this.#stopped.signal);
    log.info({ queues, children, gpus }, 'worker ready');
  }

  #consume(queue: FoldQueue, pool: ChildPool): Consumer<WorkPayload> {
    const { redisUrl, metrics = NO_METRICS } = this.#options;
    return new Consumer({
      url: redisUrl,
      queue,
      schema: workPayload,
      concurrency: pool.size,
      maxStalledCount: 8,
      countsGiveBacks: true,
      onError: (error) => this.#errors.warn({ queue, err: error }, 'queue error'),
      observer: consumerObserver(metrics, queue),
      handle: async (payload, attempt) => {
        const child = pool.retain();
        this.#metrics.busy(queue, 1);
        try {
          await this.#unlessCancelled(payload, attempt, child);
        } finally {
          pool.release(child);
          this.#metrics.busy(queue, -1);
        }
      },
    });
  }

  async stop(graceSeconds: number): Promise<void> {
    this.#stopped.abort();
    await Promise.all(this.#consumers.map((consumer) => consumer.stop(graceSeconds)));
    await Promise.all([this.#beacon?.stop(), ...[...this.#pools.values()].map((pool) => pool.stop())]);
  }

  async #unlessCancelled(payload: WorkPayload, attempt: Attempt, child: WarmChild): Promise<void> {
    const { store, log } = this.#options;
    const plan = await this.#plans.planFor(payload);
    const done = await unlessCancelled({ store, run: payload.run, signal: attempt.signal }, async (signal) => {
      const announced = this.#announce(plan, payload);
      const progress = async (data: { done: number; total: number }) => {
        announced?.progress(data.done / data.total);
        await attempt.progress(data);
      };
      try {
        await this.#handle(plan, payload, { ...attempt, signal, progress }, child);
      } finally {
        announced?.end();
      }
    });
    if (done) return;
    log.info({ run: payload.run }, 'job dropped because the run was cancelled');
    attempt.count('cancelled').catch(() => {});
  }

  async #handle(plan: RunPlan, payload: WorkPayload, attempt: Attempt, child: WarmChild): Promise<void> {
    if (payload.kind === 'fold') return this.#fold(plan, payload.key, attempt, child);
    if (payload.kind === 'prepare') return this.#prepare(plan, payload.trial, attempt, child);
    return this.#final(payload.key, attempt, child);
  }

  #announce(plan: RunPlan, payload: WorkPayload) {
    const { run } = plan;
    if (payload.kind !== 'fold') return this.#beacon?.begin({ run, trial: payload.trial });
    const job = plan.jobs.find(({ key }) => key === payload.key);
    const split = job && plan.splits[job.split];
    return this.#beacon?.begin({ run, trial: job?.trial ?? '', repeat: split?.repeat, fold: split?.fold });
  }

  #training(plan: RunPlan, trial: string, child: WarmChild): Training {
    const { storeUrl, cacheDir, childMemoryMb } = this.#options;
    const { spec, dataset } = plan;
    const { featureKey, vectorsKey, decibels, threads, xla } = settingsOf(plan, trial);
    return new Training(
      child,
      { threads, xla, maxMemoryMb: childMemoryMb },
      {
        storeUrl,
        dataset: dataset.key,
        features: featureKey,
        vectors: vectorsKey,
        decibels,
        estimator: spec.estimators[trial],
        cacheDir,
      },
    );
  }

  async #fold(plan: RunPlan, key: string, attempt: Attempt, child: WarmChild): Promise<void> {
    const { store, log } = this.#options;
    const job = plan.jobs.find((candidate) => candidate.key === key);
    if (!job) throw new CryfoldError('JOB_INVALID', `run ${plan.run} has no fold ${key.slice(0, 12)}`);
    this.#checkAllowed(plan.spec.estimators[job.trial]);
    const training = this.#training(plan, job.trial, child);
    const around = { store, log, errors: this.#errors, metrics: this.#metrics, grace: this.#grace };
    await new FoldAttempt({ plan, job, attempt, training, ...around }).run();
  }

  async #prepare(plan: RunPlan, trial: string, attempt: Attempt, child: WarmChild): Promise<void> {
    const { store, log } = this.#options;
    const needed = Object.hasOwn(plan.spec.estimators, trial) ? prerequisiteOf(plan, trial) : undefined;
    if (!needed) throw new CryfoldError('JOB_INVALID', `run ${plan.run} has nothing to prepare for ${trial}`);
    log.info({ run: plan.run, trial, kind: needed.kind }, 'preparing');
    await this.#training(plan, trial, child).prepare(store, needed, attempt.signal);
  }

  async #final(key: string, attempt: Attempt, child: WarmChild): Promise<void> {
    const { store, storeUrl, cacheDir, childMemoryMb, log } = this.#options;
    const request = await store.finals.request(key);
    this.#checkAllowed(request.estimator);
    log.info({ key: key.slice(0, 12) }, 'training on all clips');
    const onProgress = (done: number, total: number) => void attempt.progress({ done, total }).catch(() => {});
    const { signal } = attempt;
    const around = { store, storeUrl, cacheDir, childMemoryMb, grace: this.#grace };
    await trainFinal({ ...around, request, signal, onProgress }, child);
  }

  /** @throws CryfoldError COMMANDS_NOT_ALLOWED */
  #checkAllowed(estimator: Estimator): void {
    checkCommandsAllowed([estimator], this.#options.allowCommands ?? false, {
      where: `this worker (${hostname()})`,
      hint: 'To run programs from specs, start the worker with --allow-commands (see docs/security.md).',
    });
  }
}
