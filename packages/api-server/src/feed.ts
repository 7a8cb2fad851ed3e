import { randomBytes } from 'node:crypto';

export interface FeedEvent {
  id: string;
  event: 'snapshot' | 'change';
  data: string;
  /** Serialised event, which all listeners share */
  frame: Buffer;
}

interface Listener {
  /** Id of the last event that was sent */
  last: string | undefined;
  paused: boolean;
  send: (event: FeedEvent) => unknown;
}

export interface Subscription {
  leave(): void;
  /** Sends the events that were missed while paused. */
  resume(): void;
}

/** Maximum total length, in characters, of the changes that are kept for reconnecting listeners. */
const KEPT = 2 ** 21;

/**
 * Broadcasts a state and its changes to any number of listeners. Event ids encode the version, so that a listener that
 * reconnects gets the changes that it missed, or the whole state if its last event is too old or was sent by another
 * process. Nothing is queued for slow listeners. Once they can receive more, they get the changes that they missed.
 */
export class Feed {
  readonly #epoch = randomBytes(4).toString('hex');
  readonly #snapshot: () => unknown;
  readonly #recent: FeedEvent[] = [];
  readonly #listeners = new Set<Listener>();
  /** Last snapshot; valid until the next change */
  #latest: FeedEvent | undefined;
  #version = 0;
  #kept = 0;

  /** @param snapshot returns the current state */
  constructor(snapshot: () => unknown) {
    this.#snapshot = snapshot;
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  /** @param event `snapshot` to send the whole state */
  publish(change: unknown, event: FeedEvent['event'] = 'change'): void {
    this.#version++;
    this.#latest = undefined;
    const sent = this.#event(event, change);
    this.#recent.push(sent);
    this.#kept += sent.data.length;
    while (this.#kept > KEPT) this.#kept -= this.#recent.shift()?.data.length ?? 0;
    for (const listener of this.#listeners) if (!listener.paused) this.#send(listener);
  }

  /**
   * Sends all events since `lastId`, then each new event.
   * @param send sends an event; returns false to pause until `resume` is called
   */
  listen(lastId: string | undefined, send: (event: FeedEvent) => unknown): Subscription {
    const listener: Listener = { last: lastId, paused: false, send };
    this.#listeners.add(listener);
    this.#send(listener);
    return {
      leave: () => void this.#listeners.delete(listener),
      resume: () => {
        listener.paused = false;
        this.#send(listener);
      },
    };
  }

  #send(listener: Listener): void {
    for (const event of this.#missed(listener.last) ?? [this.#whole()]) {
      if (listener.paused) return;
      listener.last = event.id;
      listener.paused = listener.send(event) === false;
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
