import type { FoldQueue } from '@cryfold/estimators';
import type { WorkerReport } from '@cryfold/queue';

const TAKEN: readonly FoldQueue[] = ['gpu', 'cpu'];

/** A queue that has waiting jobs but no known worker. */
export interface UntakenQueue {
  queue: FoldQueue;
  jobs: number;
  /** How long the first job in the queue has been waiting; absent if unknown */
  seconds?: number | undefined;
}

interface KnownQueues {
  /** Jobs of each queue by state */
  queues: Readonly<Record<string, Readonly<Record<string, number>>>> | null;
  workers: readonly WorkerReport[];
  untakenSeconds?: Readonly<Record<string, number>> | undefined;
}

export function untakenQueues({ queues, workers, untakenSeconds }: KnownQueues): UntakenQueue[] {
  return TAKEN.flatMap((queue) => {
    const jobs = queues?.[queue]?.waiting ?? 0;
    return jobs > 0 && !isTaken(queue, workers) ? [{ queue, jobs, seconds: untakenSeconds?.[queue] }] : [];
  });
}

export const isTaken = (queue: FoldQueue, workers: readonly WorkerReport[]): boolean =>
  workers.some(({ queues }) => queues.includes(queue));

/**
 * Returns a message about a queue without workers. In a cluster that scales from zero, a worker may just be starting.
 */
export function noWorker({ queue, jobs, seconds }: UntakenQueue): string {
  const wait = jobs === 1 ? `1 ${queue} job waits` : `${jobs} ${queue} jobs wait`;
  const time = (known: number) => (known < 120 ? `${Math.round(known)} s` : `${Math.round(known / 60)} min`);
  const since = seconds === undefined ? '' : `, the first for ${time(seconds)}`;
  return `${wait}${since}; no ${queue} worker is running. A cluster that scales from zero will start one; otherwise run: cryfold worker --queues ${queue}`;
}
