import { type ClusterStatus, noWorker, untakenQueues } from '@cryfold/run-control';

/**
 * Reports when jobs are waiting for a kind of worker that is not running. A report is only repeated if it has changed.
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
