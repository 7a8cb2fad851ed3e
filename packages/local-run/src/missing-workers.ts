import { type ClusterStatus, noWorker, untakenQueues } from '@cryfold/run-control';

/**
 * Reports when jobs are waiting for a kind of worker that is not running. Prints a new report only if it differs from
 * the previous one.
 */
export class MissingWorkers {
  #reported = '';

  constructor(private readonly display: { say(text: string): void }) {}

  report(cluster: Pick<ClusterStatus, 'queues' | 'workers' | 'untakenSeconds'>): void {
    const untaken = untakenQueues(cluster);
    const queues = untaken.map(({ queue }) => queue).join();
    if (queues !== this.#reported) for (const one of untaken) this.display.say(noWorker(one));
    this.#reported = queues;
  }
}
