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
 * Lock and check intervals, milliseconds. A job whose worker was killed starts again after at most their sum
 * (BullMQ's defaults, 30 s each, need up to 60 s). Locks are renewed every lock/2 by an event loop that never
 * trains, so a long fold does not lose its lock.
 */
const LOCK_MS = 8000;
const STALLED_CHECK_MS = 3000;

/**
 * Milliseconds for which a job that only a newer version reads is put back, and for which its slot then takes no other: so
 * a newer process gets it, and looking costs little however many such jobs there are. Less than LOCK_MS / 4, at which
 * BullMQ would renew the lock that was given up.
 */
const NEWER = { delayMs: 500, restMs: 1500 };

/** Milliseconds that closing may take once nothing runs any more. */
const CLOSING_MS = 3000;

export interface Attempt {
  /** Aborted when the consumer closes at once or the lock was lost: nothing may be committed any more. */
  signal: AbortSignal;
  /** How often the job was started before. */
  previous: number;
  /** When the job was added, Unix milliseconds. */
  added: number;
  progress(data: object): Promise<void>;
  /** Adds one to a counter that all processes share. */
  count(name: CounterName): Promise<void>;
}

export interface ConsumerOptions<P> {
  url: string;
  queue: QueueName;
  schema: z.ZodType<P>;
  concurrency: number;
  /** How many processes may die with a job before it counts as the cause. */
  maxStalledCount: number;
  handle: (payload: P, attempt: Attempt) => Promise<void>;
  /** Whether to count how often closing consumers give each unfinished job back */
  countsGiveBacks?: boolean | undefined;
  onError: (error: Error) => void;
  observer?: ConsumerObserver | undefined;
}

/** Counts what happens to jobs and to the connection. */
export interface ConsumerObserver {
  /** An attempt failed, by the job or by its surroundings. */
  failed(error: CryfoldError): void;
  /** A job was found whose worker no longer renewed its lock. */
  lostLease(): void;
  reconnected(): void;
}

/** Takes jobs from a queue until closed. Failures follow their class: see FailureClass in core. */
export class Consumer<P> {
  readonly #options: ConsumerOptions<P>;
  readonly #worker: PatientWorker;
  readonly #redis;
  #active = 0;
  #aborted = false;
  #wake: () => void = () => {};
  /** Messages of the jobs that only a newer version can read, so that each is reported once. */
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

  /** @throws CryfoldError REDIS_UNREACHABLE unless Redis answers and jobs are being taken; REDIS_UNSAFE */
  async check(): Promise<void> {
    if (this.#redis.status !== 'ready')
      throw new CryfoldError('REDIS_UNREACHABLE', `connection: ${this.#redis.status}`);
    // An operator may change the policy while Redis runs.
    requireFit(await this.#redis.info());
    if (!this.#worker.isRunning() || this.#worker.isPaused()) {
      throw new CryfoldError('REDIS_UNREACHABLE', `no jobs are taken from queue ${this.#worker.name}`);
    }
  }

  /**
   * Takes no further job and waits for those running; with `now`, aborts them so that others can take them. Takes at most
   * 3 s when nothing runs, even if Redis does not answer, and no time at all if there is no connection.
   */
  async close(now = false): Promise<void> {
    if (now) {
      this.#worker.cancelAllJobs('closing');
      this.#aborted = true;
      this.#wake();
    }
    // BullMQ waits for a connection before it closes, and a server that is away may never come.
    const closed = this.#worker.close(this.#active === 0 && this.#redis.status !== 'ready');
    while (!(await endsWithin(CLOSING_MS, closed)) && this.#active > 0 && !this.#aborted) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#redis.disconnect();
  }

  /** As `close`, but aborts what still runs after so many seconds. */
  async stop(graceSeconds: number): Promise<void> {
    const timer = setTimeout(() => void this.close(true), graceSeconds * 1000);
    await this.close(graceSeconds === 0);
    clearTimeout(timer);
  }

  /** Hands a payload over, and counts it among what a closing consumer waits for. */
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
      // Where Redis refuses, the job is taken again once its lock has run out: the job itself has not failed.
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
      // Nothing waits for Redis; what is not removed now leaves with its run, or after a week.
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
      // Putting a job back again is no new failure: report it only the first time.
      const again = isNewer(error) && this.#reported.has(error.message);
      if (!again) options.observer?.failed(error);
      if (error.failure === 'infrastructure') {
        if (!again) {
          options.onError(error);
          // Only for people who watch, so a failure does not matter.
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
      // A second attempt may find a worker with more memory; further ones only repeat the failure.
      const hopeless = error.code === 'OUT_OF_MEMORY' && job.attemptsMade > 0;
      throw error.failure === 'crash' && !hopeless ? new Error(message) : new UnrecoverableError(message);
    }
  }
}
