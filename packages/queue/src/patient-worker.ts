import { setTimeout as sleep } from 'node:timers/promises';
import { type Job, Worker } from 'bullmq';

/**
 * Minimum and maximum milliseconds before the next job is requested after an error; the delay doubles with each error.
 */
const BACKOFF_MS = { least: 100, most: 5000 };

/**
 * BullMQ's worker, but with growing pauses while Redis replies to requests for the next job with errors (READONLY, OOM,
 * MISCONF, BUSY, ...). BullMQ itself pauses only if there is no connection, and would otherwise retry thousands of
 * times per second.
 */
export class PatientWorker extends Worker {
  readonly #closing = new AbortController();
  #failures = 0;

  protected override async moveToActive(token: string, name?: string): Promise<Job> {
    try {
      const job = await super.moveToActive(token, name);
      this.#failures = 0;
      return job;
    } catch (error) {
      const backoffMs = Math.min(BACKOFF_MS.least * 2 ** Math.min(this.#failures++, 10), BACKOFF_MS.most);
      await sleep(backoffMs, undefined, { signal: this.#closing.signal }).catch(() => {});
      throw error;
    }
  }

  override async close(force?: boolean): Promise<void> {
    this.#closing.abort();
    return super.close(force);
  }
}
