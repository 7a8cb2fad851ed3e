import { endsWithin } from '@cryfold/core';
import { type JobType, PRIORITY_LIMIT, Queue, QueueEvents } from 'bullmq';
import { type Connection, connect } from './connection.js';
import { askRedis } from './failures.js';
import { forgetGiveBacks, readGiveBacks } from './give-backs.js';
import { countersKey, prefixOf, workersKey } from './keys.js';
import { type Payload, QUEUE_NAMES, type QueueName } from './payloads.js';
import { tracing } from './telemetry.js';
import { readWorkers, type WorkerReport } from './workers.js';

/**
 * Time limit in milliseconds for closing. BullMQ waits for a connection, so closing might never finish if the server is
 * unavailable.
 */
const CLOSING_MS = 1000;

/** Number of ids in one pipelined request. */
const CHUNK = 500;

/** Maximum number of attempts at a job whose process crashes; infrastructure errors are not counted. */
const CRASH_ATTEMPTS = 4;

const LIVE: JobType[] = ['waiting', 'active', 'delayed', 'prioritized', 'waiting-children'];

/** The largest priority value that a job can have. Jobs with this value are taken last. */
export const MAX_PRIORITY = PRIORITY_LIMIT;

/** BullMQ computes the score of a waiting job by multiplying its priority by this factor and adding a counter. */
const PRIORITY_UNIT = 2 ** 32;

const COUNTER_NAMES = ['duplicates', 'cancelled', 'failedAttempts'] as const;
export type CounterName = (typeof COUNTER_NAMES)[number];

export interface JobStatus {
  /** waiting, active, delayed, failed, … */
  state: string;
  /** The progress that the job last reported */
  progress: unknown;
}

export interface JobRequest {
  id: string;
  payload: Payload;
  /**
   * From 1 to `MAX_PRIORITY`. Jobs with smaller values are taken first; jobs without a priority are taken before all
   * others.
   */
  priority?: number;
}

export interface QueueState {
  /** Number of jobs by state */
  jobs: Record<string, number>;
  /** Seconds for which the first job in line has been waiting */
  oldestSeconds: number;
  /** Processes that take jobs from the queue */
  consumers: number;
}

export interface QueueListeners {
  completed?: (jobId: string) => void;
  failed?: (jobId: string, reason: string) => void;
  progress?: (jobId: string, data: unknown) => void;
}

/**
 * The producer's side of all queues. They share one connection, on which commands fail immediately if Redis is
 * unavailable. Every method may throw REDIS_UNREACHABLE.
 */
export class Queues {
  readonly #url: string;
  readonly #redis: Connection;
  readonly #queues = new Map<QueueName, Queue>();
  readonly #events: { events: QueueEvents; redis: Connection }[] = [];

  constructor(url: string, onReconnect?: () => void) {
    this.#url = url;
    this.#redis = connect(url, { use: 'failing', onReconnect });
  }

  #queue(name: QueueName): Queue {
    let queue = this.#queues.get(name);
    if (!queue) {
      queue = new Queue(name, { prefix: prefixOf(this.#url), ...tracing(), connection: this.#redis });
      queue.on('error', () => {});
      this.#queues.set(name, queue);
    }
    return queue;
  }

  /** Adds the jobs that do not exist yet. Adding a job whose id is already queued, active or failed has no effect. */
  async add(name: QueueName, jobs: readonly JobRequest[]): Promise<void> {
    const options = (job: JobRequest) => ({
      jobId: job.id,
      ...(job.priority === undefined ? {} : { priority: job.priority }),
      attempts: CRASH_ATTEMPTS,
      backoff: { type: 'exponential', delay: 1000 },
      removeOnComplete: true,
      // Failed jobs are removed at the end of their run. These limits are for jobs whose coordinator died.
      removeOnFail: { count: 10_000, age: 7 * 24 * 3600 },
    });
    for (const chunk of chunks(jobs)) {
      const bulk = chunk.map((job) => ({ name: job.payload.kind, data: job.payload, opts: options(job) }));
      await askRedis(() => this.#queue(name).addBulk(bulk));
    }
  }

  /** Returns the smallest priority of the waiting jobs; undefined if no waiting job has a priority. */
  async front(name: QueueName): Promise<number | undefined> {
    const key = this.#queue(name).toKey('prioritized');
    const [, score] = await askRedis(() => this.#redis.zrange(key, 0, '0', 'WITHSCORES'));
    return score === undefined ? undefined : Math.floor(Number(score) / PRIORITY_UNIT);
  }

  /** Returns the ids of jobs that are waiting, running or due for a retry. */
  async liveIds(name: QueueName): Promise<Set<string>> {
    return new Set(await askRedis(() => this.#queue(name).getRanges(LIVE, 0, -1)));
  }

  async activeIds(name: QueueName): Promise<Set<string>> {
    return new Set(await askRedis(() => this.#queue(name).getRanges(['active'], 0, -1)));
  }

  /** Returns which of the given jobs have failed permanently, and why, by id. */
  async failures(name: QueueName, ids: Iterable<string>): Promise<Map<string, string>> {
    const failures = new Map<string, string>();
    const queue = this.#queue(name);
    for (const chunk of chunks([...ids])) {
      const asked = this.#redis.pipeline();
      for (const id of chunk) asked.zscore(queue.toKey('failed'), id).hget(queue.toKey(id), 'failedReason');
      const answers = await askRedis(async () => {
        const results = (await asked.exec()) ?? [];
        return results.map(([error, answer]) => {
          if (error) throw error;
          return answer as string | null;
        });
      });
      for (const [i, id] of chunk.entries()) if (answers[2 * i] !== null) failures.set(id, answers[2 * i + 1] ?? '');
    }
    return failures;
  }

  /** Removes the given jobs that have failed permanently. */
  async forgetFailures(name: QueueName, ids: Iterable<string>): Promise<void> {
    for (const id of (await this.failures(name, ids)).keys()) await this.remove(name, id);
  }

  /** Returns how often stopping workers have returned each job, by job id. */
  giveBacks(): Promise<Map<string, number>> {
    return askRedis(() => readGiveBacks(this.#redis, this.#url));
  }

  /** Resets the number of times that the given jobs were returned. */
  async forgetGiveBacks(ids: Iterable<string>): Promise<void> {
    for (const chunk of chunks([...ids])) await askRedis(() => forgetGiveBacks(this.#redis, this.#url, chunk));
  }

  /** Returns the state and progress of a job; undefined if it does not exist. */
  async job(name: QueueName, id: string): Promise<JobStatus | undefined> {
    return askRedis(async () => {
      const job = await this.#queue(name).getJob(id);
      return job && { state: await job.getState(), progress: job.progress };
    });
  }

  /** Returns the number of jobs in a queue by state; prioritised jobs count as `waiting`. */
  async counts(name: QueueName): Promise<Record<string, number>> {
    const counts = await askRedis(() =>
      this.#queue(name).getJobCounts('active', 'waiting', 'prioritized', 'delayed', 'failed'),
    );
    const { prioritized, waiting, ...others } = counts;
    return { ...others, waiting: waiting + prioritized };
  }

  /** Reads the state of a queue, for monitoring. */
  async state(name: QueueName): Promise<QueueState> {
    return askRedis(async () => {
      const queue = this.#queue(name);
      const jobs = await queue.getJobCounts('waiting', 'active', 'delayed', 'prioritized', 'failed');
      const oldestSeconds = jobs.waiting || jobs.prioritized ? await this.oldestSeconds(name) : 0;
      return { jobs, oldestSeconds, consumers: await queue.getWorkersCount() };
    });
  }

  /** Returns how long the first job in line has been waiting; 0 if no job is waiting. */
  async oldestSeconds(name: QueueName): Promise<number> {
    const firsts = await askRedis(async () => {
      const of = (state: 'waiting' | 'prioritized') => this.#queue(name).getJobs([state], 0, 0, true);
      return [...(await of('waiting')), ...(await of('prioritized'))];
    });
    return Math.max(0, ...firsts.map(({ timestamp }) => (Date.now() - timestamp) / 1000));
  }

  /**
   * Returns how many bytes of memory Redis uses, and how many it may use: `maxmemory`, or the memory of its
   * machine if `maxmemory` is not set.
   */
  async memory(): Promise<{ used: number; limit: number }> {
    const info = await askRedis(() => this.#redis.info('memory'));
    const member = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0);
    return { used: member('used_memory'), limit: member('maxmemory') || member('total_system_memory') };
  }

  async counters(): Promise<Record<CounterName, number>> {
    const found = await askRedis(() => this.#redis.hgetall(countersKey(this.#url)));
    return Object.fromEntries(COUNTER_NAMES.map((name) => [name, Number(found[name] ?? 0)])) as Record<
      CounterName,
      number
    >;
  }

  /** Returns the workers that reported recently, and what each of them is doing. */
  workers(): Promise<WorkerReport[]> {
    return askRedis(() => readWorkers(this.#redis, workersKey(this.#url)));
  }

  /** Returns BullMQ's queue objects, for a dashboard. */
  vendorQueues(): Queue[] {
    return QUEUE_NAMES.map((name) => this.#queue(name));
  }

  /** Removes jobs that are not running. @returns false if a worker has locked one of them */
  async remove(name: QueueName, id: string): Promise<boolean> {
    return (await askRedis(() => this.#queue(name).remove(id))) === 1;
  }

  /**
   * Starts listening for new events. Resolves once events are being received; listeners remain registered until
   * `close`.
   */
  async listen(name: QueueName, listeners: QueueListeners): Promise<void> {
    const redis = connect(this.#url, { use: 'blocking' });
    const events = new QueueEvents(name, { prefix: prefixOf(this.#url), connection: redis });
    this.#events.push({ events, redis });
    events.on('error', () => {});
    if (listeners.completed) events.on('completed', ({ jobId }) => listeners.completed?.(jobId));
    if (listeners.failed) events.on('failed', ({ jobId, failedReason }) => listeners.failed?.(jobId, failedReason));
    if (listeners.progress) events.on('progress', ({ jobId, data }) => listeners.progress?.(jobId, data));
    await events.waitUntilReady();
  }

  /** Closes all connections, within a second even if Redis does not respond. */
  async close(): Promise<void> {
    const closed = Promise.all([
      ...[...this.#queues.values()].map((queue) => queue.close()),
      ...this.#events.map(({ events }) => events.close()),
    ]);
    await endsWithin(CLOSING_MS, closed);
    for (const { redis } of this.#events) redis.disconnect();
    this.#redis.disconnect();
  }
}

function* chunks<T>(items: readonly T[]): Iterable<T[]> {
  for (let start = 0; start < items.length; start += CHUNK) yield items.slice(start, start + CHUNK);
}
