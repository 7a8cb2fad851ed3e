import { type ClusterStatus, noWorker, untakenQueues } from '@cryfold/run-control';

/** Says, once each time, that jobs wait for a kind of worker that is not running. */
export class MissingWorkers {
  #told = '';

  constructor(private readonly display: { say(text: string): void }) {}

  tell(cluster: Pick<ClusterStatus, 'queues' | 'workers' | 'untakenSeconds'>): void {
    const untaken = untakenQueues(cluster);
    const queues = untaken.map(({ queue }) => queue).join();
    if (queues !== this.#told) for (const one of untaken) this.display.say(noWorker(one));
    this.#told = queues;
  }
}
