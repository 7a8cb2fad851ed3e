import { decodeRecord, endsWithin } from '@cryfold/core';
import { z } from 'zod';
import { type Connection, connect } from './connection.js';
import { workersKey } from './keys.js';

/** Milliseconds between heartbeats of a worker. */
const BEAT_MS = 3000;
/** A worker is considered gone after this many seconds without a heartbeat. */
const SILENCE_SECONDS = 15;
/** Timeout in milliseconds for removing the entry of a stopping worker. */
const CLOSING_MS = 1000;
/** Milliseconds over which changes are batched, so that progress does not cause too many updates. */
const GATHER_MS = 250;

const activity = z.object({
  run: z.string(),
  trial: z.string(),
  /** Absent for work that all folds of a trial need, such as computing distances */
  repeat: z.int().optional(),
  fold: z.int().optional(),
  /** Start of the activity in Unix milliseconds, by the worker's clock */
  since: z.number(),
  fraction: z.number(),
});
/** One current activity of a worker. */
export type WorkerActivity = z.infer<typeof activity>;

export const workerReport = z.object({
  id: z.string(),
  host: z.string(),
  pid: z.int(),
  queues: z.array(z.string()),
  children: z.int(),
  started: z.number(),
  doing: z.array(activity),
});
export type WorkerReport = z.infer<typeof workerReport>;

const beat = z.object({ at: z.number(), state: workerReport });

/**
 * Reports to Redis that a worker is alive and what it is doing, every few seconds and soon after each change. Nothing
 * depends on the reports, so outages are ignored.
 */
export class Beacon {
  readonly #redis: Connection;
  readonly #key: string;
  readonly #report: WorkerReport;
  readonly #timer: NodeJS.Timeout;
  #soon: NodeJS.Timeout | undefined;

  constructor(url: string, report: Omit<WorkerReport, 'started' | 'doing'>) {
    this.#redis = connect(url, { use: 'failing' });
    this.#key = workersKey(url);
    this.#report = { ...report, started: Date.now(), doing: [] };
    this.#redis.once('ready', () => this.#tell());
    this.#timer = setInterval(() => this.#tell(), BEAT_MS);
    this.#timer.unref();
  }

  /** Announces an activity. Call `progress` of the returned object to update it, and `end` to remove it. */
  begin(what: Omit<WorkerActivity, 'since' | 'fraction'>): { progress(fraction: number): void; end(): void } {
    const doing: WorkerActivity = { ...what, since: Date.now(), fraction: 0 };
    this.#report.doing.push(doing);
    this.#tellSoon();
    return {
      progress: (fraction) => {
        doing.fraction = fraction;
        this.#tellSoon();
      },
      end: () => {
        this.#report.doing = this.#report.doing.filter((other) => other !== doing);
        this.#tellSoon();
      },
    };
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    clearTimeout(this.#soon);
    await endsWithin(CLOSING_MS, this.#redis.hdel(this.#key, this.#report.id));
    this.#redis.disconnect();
  }

  #tellSoon(): void {
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined;
      this.#tell();
    }, GATHER_MS).unref();
  }

  #tell(): void {
    const tell = async () => {
      // The time is taken from Redis, so that the clocks of hosts do not have to agree.
      const at = Number((await this.#redis.time())[0]);
      await this.#redis.hset(this.#key, this.#report.id, JSON.stringify({ at, state: this.#report }));
    };
    tell().catch(() => {});
  }
}

/** Returns the workers that reported recently, sorted by host and process. Removes the entries of silent workers. */
export async function readWorkers(redis: Connection, key: string): Promise<WorkerReport[]> {
  const [reports, time] = await Promise.all([redis.hgetall(key), redis.time()]);
  const now = Number(time[0]);
  const workers: WorkerReport[] = [];
  for (const [id, text] of Object.entries(reports)) {
    try {
      const { at, state } = decodeRecord(beat, text, `worker ${id}`);
      if (now - at <= SILENCE_SECONDS) workers.push(state);
      else await redis.hdel(key, id);
    } catch {
      // The report was written by another version of cryfold.
    }
  }
  return workers.sort((a, b) => a.host.localeCompare(b.host) || a.pid - b.pid);
}
