import type { FoldQueue } from '@cryfold/estimators';
import type { WorkerReport } from '@cryfold/queue';
import type { ClusterStatus } from './status.js';

const TAKEN: readonly FoldQueue[] = ['gpu', 'cpu'];

/** Queues of which jobs wait, but from which no worker that is known takes any. */
export function untakenQueues({ queues, workers }: Pick<ClusterStatus, 'queues' | 'workers'>): FoldQueue[] {
  return TAKEN.filter((queue) => (queues?.[queue]?.waiting ?? 0) > 0 && !isTaken(queue, workers));
}

export const isTaken = (queue: FoldQueue, workers: readonly WorkerReport[]): boolean =>
  workers.some(({ queues }) => queues.includes(queue));

/** As a command says it. */
export const noWorker = (queue: FoldQueue): string => `no worker takes ${queue} jobs: cryfold worker --queues ${queue}`;
