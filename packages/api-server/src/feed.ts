import { randomBytes } from 'node:crypto';

export interface FeedEvent {
  id: string;
  event: 'snapshot' | 'change';
  data: string;
  /** As it goes over the wire, made once for all who hear it */
  frame: Buffer;
}

interface Listener {
  /** Id of the event that was sent last */
  last: string | undefined;
  paused: boolean;
  hear: (event: FeedEvent) => unknown;
}

export interface Hearing {
  leave(): void;
  /** Sends what was missed while no more could be sent. */
  resume(): void;
}

/** Characters of changes that are kept for those who come back after a disconnect. */
const KEPT = 2 ** 21;

/**
 * A state and its changes, sent to any number of listeners. An event's id says after which change it was sent, so that a
 * listener who comes back with the last one gets what was missed, or the whole state if that is too long ago or came from
 * another process. Nothing is queued for a slow listener: it gets what it missed when it can take more.
 */
export class Feed {
  readonly #epoch = randomBytes(4).toString('hex');
  readonly #snapshot: () => unknown;
  readonly #recent: FeedEvent[] = [];
  readonly #listeners = new Set<Listener>();
  /** The whole state as told last; good until the next change */
  #latest: FeedEvent | undefined;
  #version = 0;
  #kept = 0;

  /** @param snapshot the whole state now */
  constructor(snapshot: () => unknown) {
    this.#snapshot = snapshot;
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  /** @param event `snapshot` where the whole state is told anew */
  publish(change: unknown, event: FeedEvent['event'] = 'change'): void {
    this.#version++;
    this.#latest = undefined;
    const told = this.#event(event, change);
    this.#recent.push(told);
    this.#kept += told.data.length;
    while (this.#kept > KEPT) this.#kept -= this.#recent.shift()?.data.length ?? 0;
    for (const listener of this.#listeners) if (!listener.paused) this.#tell(listener);
  }

  /**
   * Sends what was missed since an event, then each event.
   * @param hear returns false where no more can be sent now, until `resume`
   */
  listen(lastId: string | undefined, hear: (event: FeedEvent) => unknown): Hearing {
    const listener: Listener = { last: lastId, paused: false, hear };
    this.#listeners.add(listener);
    this.#tell(listener);
    return {
      leave: () => void this.#listeners.delete(listener),
      resume: () => {
        listener.paused = false;
        this.#tell(listener);
      },
    };
  }

  #tell(listener: Listener): void {
    for (const event of this.#missed(listener.last) ?? [this.#whole()]) {
      if (listener.paused) return;
      listener.last = event.id;
      listener.paused = listener.hear(event) === false;
    }
  }

  #event(event: FeedEvent['event'], state: unknown): FeedEvent {
    const id = `${this.#epoch}-${this.#version}`;
    const data = JSON.stringify(state);
    return { id, event, data, frame: Buffer.from(`id: ${id}\nevent: ${event}\ndata: ${data}\n\n`) };
  }

  #whole(): FeedEvent {
    this.#latest ??= this.#event('snapshot', this.#snapshot());
    return this.#latest;
  }

  #missed(lastId: string | undefined): FeedEvent[] | undefined {
    const [, epoch, version] = /^([0-9a-f]+)-(\d+)$/.exec(lastId ?? '') ?? [];
    const missing = this.#version - Number(version);
    if (epoch !== this.#epoch || !(missing >= 0 && missing <= this.#recent.length)) return undefined;
    return this.#recent.slice(this.#recent.length - missing);
  }
}
