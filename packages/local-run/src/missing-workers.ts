import { type ClusterStatus, noWorker, untakenQueues } from '@cryfold/run-control';

/** Tells, once each time, that jobs wait for a kind of worker that nobody has started. */
export class MissingWorkers {
  #told = '';

  constructor(private readonly display: { say(text: string): void }) {}

  tell(cluster: Pick<ClusterStatus, 'queues' | 'workers'>): void {
    const text = untakenQueues(cluster).map(noWorker).join('; ');
    if (text !== '' && text !== this.#told) this.display.say(text);
    this.#told = text;
  }
}
