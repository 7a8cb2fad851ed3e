import { setTimeout as sleep } from 'node:timers/promises';
import { CryfoldError, decodeRecord, endsWithin, isNewer } from '@cryfold/core';
import { DelayedError, type Job, UnrecoverableError } from 'bullmq';
import type { z } from 'zod';
import { connect } from './connection.js';
import { asCryfoldError, askRedis, failureMessage } from './failures.js';
import { forgetGiveBacks, noteGiveBack } from './give-backs.js';
import { countersKey, prefixOf } from './keys.js';
import { PatientWorker } from './patient-worker.js';
import type { QueueName } from './payloads.js';
import type { CounterName } from './queues.js';
import { requireFit } from './redis-fitness.js';
import { tracing } from './telemetry.js';

/**
 * Duration of a job's lock, and interval between checks for expired locks, in milliseconds. The job of a killed worker
 * restarts after at most their sum (up to 60 s with BullMQ's defaults of 30 s each). The locks are renewed every lock/2
 * by an event loop that never trains, so a long fold does not lose its lock.
 */
const LOCK_MS = 8000;
const STALLED_CHECK_MS = 3000;

/**
 * Used if only a newer version can read a job: for how many milliseconds the job is delayed, and for how many
 * milliseconds the slot that took the job takes no other job. This lets a newer process take the job, and keeps the
 * cost low regardless of the number of such jobs. `restMs` must be less than LOCK_MS / 4, after which BullMQ would
 * renew the released lock.
 */
const NEWER = { delayMs: 500, restMs: 1500 };

/** Time limit in milliseconds for closing if no job is running. */
const CLOSING_MS = 3000;

export interface Attempt {
  /**
   * Aborted when the consumer is closed without waiting for the job, or has lost the job's lock. Nothing may be
   * committed after that.
   */
  signal: AbortSignal;
  /** Number of times that the job was started before this attempt. */
  previous: number;
  /** When the job was added, Unix milliseconds. */
  added: number;
  progress(data: object): Promise<void>;
  /** Increments a counter shared by all processes. */
  count(name: CounterName): Promise<void>;
}

export interface ConsumerOptions<P> {
  url: string;
  queue: QueueName;
  schema: z.ZodType<P>;
  concurrency: number;
  /** Number of processes that may die while running a job before the job is considered the cause. */
  maxStalledCount: number;
  handle: (payload: P, attempt: Attempt) => Promise<void>;
  /** Whether to count how often stopping consumers return each unfinished job to the queue */
  countsGiveBacks?: boolean | undefined;
  onError: (error: Error) => void;
  observer?: ConsumerObserver | undefined;
}

/** Counts events of jobs and of the connection. */
export interface ConsumerObserver {
  /** An attempt failed, because of the job or because of its environment. */
  failed(error: CryfoldError): void;
  /** This consumer found a job whose worker had stopped renewing the lock. */
  lostLease(): void;
  reconnected(): void;
}

/**
 * Takes jobs from a queue until it is closed. The class of a failure (FailureClass in core) decides whether a job is
 * retried.
 */
export class Consumer<P> {
  readonly #options: ConsumerOptions<P>;
  readonly #worker: PatientWorker;
  readonly #redis;
  #active = 0;
  #aborted = false;
  #wake: () => void = () => {};
  /** Messages about jobs that only a newer version can read, so that each is reported only once. */
  readonly #reported = new Set<string>();

  constructor(options: ConsumerOptions<P>) {
    const { observer } = options;
    this.#options = options;
    this.#redis = connect(options.url, {
      ...{ use: 'blocking', onReconnect: () => observer?.reconnected(), onRefused: options.onError },
    });
    this.#worker = new PatientWorker(options.queue, (job, token, signal) => this.#process(job, token, signal), {
      prefix: prefixOf(options.url),
      ...tracing(),
      connection: this.#redis,
      concurrency: options.concurrency,
      lockDuration: LOCK_MS,
      stalledInterval: STALLED_CHECK_MS,
      maxStalledCount: options.maxStalledCount,
    });
    this.#worker.on('error', options.onError);
    this.#worker.on('stalled', () => observer?.lostLease());
    this.#worker.on('lockRenewalFailed', (jobIds) => {
      for (const id of jobIds) this.#worker.cancelJob(id, 'lock lost');
    });
  }

  /** Checks that the consumer is taking jobs. @throws CryfoldError REDIS_UNREACHABLE, REDIS_UNSAFE */
  async check(): Promise<void> {
    if (this.#redis.status !== 'ready')
      throw new CryfoldError('REDIS_UNREACHABLE', `connection: ${this.#redis.status}`);
    // An operator may change the eviction policy while Redis runs.
    requireFit(await this.#redis.info());
    if (!this.#worker.isRunning() || this.#worker.isPaused()) {
      throw new CryfoldError('REDIS_UNREACHABLE', `the consumer is not taking jobs from queue ${this.#worker.name}`);
    }
  }

  /**
   * Stops taking jobs, and waits for running ones. With `now`, aborts the running jobs so that other consumers can take
   * them. If no job is running, closing takes at most 3 s even if Redis does not respond, and returns immediately
   * without a connection.
   */
  async close(now = false): Promise<void> {
    if (now) {
      this.#worker.cancelAllJobs('closing');
      this.#aborted = true;
      this.#wake();
    }
    // BullMQ waits for a connection before it closes, so it would never close while the server is unavailable.
    const closed = this.#worker.close(this.#active === 0 && this.#redis.status !== 'ready');
    while (!(await endsWithin(CLOSING_MS, closed)) && this.#active > 0 && !this.#aborted) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#redis.disconnect();
  }

  /** Like `close`, but aborts jobs that are still running after the given number of seconds. */
  async stop(graceSeconds: number): Promise<void> {
    const timer = setTimeout(() => void this.close(true), graceSeconds * 1000);
    await this.close(graceSeconds === 0);
    clearTimeout(timer);
  }

  /** Runs the handler on a payload, and keeps track of it so that closing can wait for it. */
  async #handle(payload: P, attempt: Attempt): Promise<void> {
    this.#active++;
    try {
      await this.#options.handle(payload, attempt);
    } finally {
      this.#active--;
      if (this.#active === 0) this.#wake();
    }
  }

  async #process(job: Job, token: string | undefined, signal = new AbortController().signal): Promise<void> {
    const options = this.#options;
    const previous = job.attemptsStarted - 1;
    const later = async (delayMs: number): Promise<never> => {
      // If Redis rejects this command, the job does not fail: a consumer takes it again once its lock has expired.
      await job.moveToDelayed(Date.now() + delayMs, token).catch((error) => options.onError(error));
      throw new DelayedError();
    };
    try {
      const payload = decodeRecord(options.schema, job.data, `job ${job.id}`);
      await this.#handle(payload, {
        signal,
        previous,
        added: job.timestamp,
        progress: (data) => askRedis(() => job.updateProgress(data)),
        count: async (name) => void (await askRedis(() => this.#redis.hincrby(countersKey(options.url), name, 1))),
      });
      // This command is not awaited. If it fails, the count is removed at the end of the run, or after a week.
      if (previous > 0 && options.countsGiveBacks) {
        forgetGiveBacks(this.#redis, options.url, [job.id ?? '']).catch(() => {});
      }
    } catch (thrown) {
      if (signal.aborted) {
        if (this.#aborted && options.countsGiveBacks) {
          await askRedis(() => noteGiveBack(this.#redis, options.url, job.id ?? '')).catch(() => {});
        }
        return later(100);
      }
      const error = asCryfoldError(thrown);
      // Delaying the same job again is not a new failure, so it is reported only the first time.
      const again = isNewer(error) && this.#reported.has(error.message);
      if (!again) options.observer?.failed(error);
      if (error.failure === 'infrastructure') {
        if (!again) {
          options.onError(error);
          // Progress only informs viewers, so it does not matter if this fails.
          await askRedis(() => job.updateProgress({ waits: `${error.code}: ${error.message}` })).catch(() => {});
        }
        if (isNewer(error)) {
          this.#reported.add(error.message);
          await job.moveToDelayed(Date.now() + NEWER.delayMs, token).catch((error) => options.onError(error));
          await sleep(NEWER.restMs, undefined, { signal }).catch(() => {});
          throw new DelayedError();
        }
        const backoffMs = Math.min(1000 * 2 ** Math.min(previous, 5), 30_000);
        return later(backoffMs * (0.5 + Math.random() / 2));
      }
      const message = failureMessage(error);
      // A second attempt may run on a worker with more memory. Further attempts would fail in the same way.
      const hopeless = error.code === 'OUT_OF_MEMORY' && job.attemptsMade > 0;
      throw error.failure === 'crash' && !hopeless ? new Error(message) : new UnrecoverableError(message);
    }
  }
}
