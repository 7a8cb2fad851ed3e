import { type JobType, Queue, QueueEvents } from 'bullmq';
import type { Redis } from 'ioredis';
import { connect } from './connection.js';
import type { Payload, QueueName } from './payloads.js';

const PREFIX = 'cryfold';
export const keyPrefix = { prefix: PREFIX };

/** Attempts of a job whose process crashed; infrastructure errors are not counted. */
const CRASH_ATTEMPTS = 4;

const LIVE: JobType[] = ['waiting', 'active', 'delayed', 'prioritized', 'waiting-children'];

/** A hash of counts since Redis was last emptied. */
export const COUNTERS = `${PREFIX}:counters`;
export const COUNTER_NAMES = ['duplicates', 'cancelled', 'failedAttempts'] as const;
export type CounterName = (typeof COUNTER_NAMES)[number];

export interface JobStatus {
  /** waiting, active, delayed, failed, … */
  state: string;
  /** What the process that runs it told last */
  progress: unknown;
}

export interface JobRequest {
  id: string;
  payload: Payload;
  /** Smaller is sooner; absent is soonest. */
  priority?: number;
}

export interface QueueLook {
  /** By state */
  jobs: Record<string, number>;
  /** How long the first job in line has waited */
  oldestSeconds: number;
  /** Processes that take jobs from it */
  consumers: number;
}

export interface QueueListeners {
  completed?: (jobId: string) => void;
  failed?: (jobId: string, reason: string) => void;
  progress?: (jobId: string, data: unknown) => void;
}

/** The producer's side of all queues over one connection that fails at once when Redis is away. */
export class Queues {
  readonly #url: string;
  readonly #redis: Redis;
  readonly #queues = new Map<QueueName, Queue>();
  readonly #events: { events: QueueEvents; redis: Redis }[] = [];

  constructor(url: string) {
    this.#url = url;
    this.#redis = connect(url, 'failing');
  }

  #queue(name: QueueName): Queue {
    let queue = this.#queues.get(name);
    if (!queue) {
      queue = new Queue(name, { ...keyPrefix, connection: this.#redis });
      queue.on('error', () => {});
      this.#queues.set(name, queue);
    }
    return queue;
  }

  /** Adds jobs that are not there yet: adding an id that is queued, active or failed changes nothing. */
  async add(name: QueueName, jobs: readonly JobRequest[]): Promise<void> {
    const options = (job: JobRequest) => ({
      jobId: job.id,
      ...(job.priority === undefined ? {} : { priority: job.priority }),
      attempts: CRASH_ATTEMPTS,
      backoff: { type: 'exponential', delay: 1000 },
      removeOnComplete: true,
      removeOnFail: { count: 10_000 },
    });
    for (let start = 0; start < jobs.length; start += 500) {
      const chunk = jobs.slice(start, start + 500);
      await this.#queue(name).addBulk(
        chunk.map((job) => ({ name: job.payload.kind, data: job.payload, opts: options(job) })),
      );
    }
  }

  /** Ids of jobs that wait, run or will be tried again. */
  async liveIds(name: QueueName): Promise<Set<string>> {
    return new Set(await this.#queue(name).getRanges(LIVE, 0, -1));
  }

  async activeIds(name: QueueName): Promise<Set<string>> {
    return new Set(await this.#queue(name).getRanges(['active'], 0, -1));
  }

  /** Failed jobs by id, with their reasons. */
  async failures(name: QueueName): Promise<Map<string, string>> {
    const jobs = await this.#queue(name).getJobs(['failed'], 0, -1);
    return new Map(jobs.flatMap((job) => (job?.id ? [[job.id, job.failedReason ?? '']] : [])));
  }

  /** A job's state and progress, or undefined where it is not there. */
  async job(name: QueueName, id: string): Promise<JobStatus | undefined> {
    const job = await this.#queue(name).getJob(id);
    return job && { state: await job.getState(), progress: job.progress };
  }

  /** How many jobs of a queue are in each state. */
  async counts(name: QueueName): Promise<Record<string, number>> {
    return this.#queue(name).getJobCounts('active', 'waiting', 'delayed', 'failed');
  }

  /** What a watcher of all queues wants to know, in one look. */
  async look(name: QueueName): Promise<QueueLook> {
    const queue = this.#queue(name);
    const jobs = await queue.getJobCounts('waiting', 'active', 'delayed', 'prioritized', 'failed');
    const [oldest] = jobs.waiting ? await queue.getJobs(['waiting'], 0, 0, true) : [];
    const oldestSeconds = oldest ? (Date.now() - oldest.timestamp) / 1000 : 0;
    return { jobs, oldestSeconds, consumers: await queue.getWorkersCount() };
  }

  /** Bytes that Redis uses, and may use: `maxmemory`, or else the memory of its machine. */
  async memory(): Promise<{ used: number; limit: number }> {
    const info = await this.#redis.info('memory');
    const member = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0);
    return { used: member('used_memory'), limit: member('maxmemory') || member('total_system_memory') };
  }

  async counters(): Promise<Record<CounterName, number>> {
    const found = await this.#redis.hgetall(COUNTERS);
    return Object.fromEntries(COUNTER_NAMES.map((name) => [name, Number(found[name] ?? 0)])) as Record<
      CounterName,
      number
    >;
  }

  /** Removes jobs that are not running: false where one is locked by a worker. */
  async remove(name: QueueName, id: string): Promise<boolean> {
    return (await this.#queue(name).remove(id)) === 1;
  }

  /** Resolves once events from now on are heard. Listeners run until close. */
  async listen(name: QueueName, listeners: QueueListeners): Promise<void> {
    const redis = connect(this.#url, 'blocking');
    const events = new QueueEvents(name, { ...keyPrefix, connection: redis });
    this.#events.push({ events, redis });
    events.on('error', () => {});
    if (listeners.completed) events.on('completed', ({ jobId }) => listeners.completed?.(jobId));
    if (listeners.failed) events.on('failed', ({ jobId, failedReason }) => listeners.failed?.(jobId, failedReason));
    if (listeners.progress) events.on('progress', ({ jobId, data }) => listeners.progress?.(jobId, data));
    await events.waitUntilReady();
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.#queues.values()].map((queue) => queue.close()));
    await Promise.allSettled(
      this.#events.map(async ({ events, redis }) => {
        await events.close();
        redis.disconnect();
      }),
    );
    this.#redis.disconnect();
  }
}
