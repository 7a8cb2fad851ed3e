import { randomBytes } from 'node:crypto';

export interface FeedEvent {
  id: string;
  event: 'snapshot' | 'change';
  data: string;
  /** As it goes over the wire, made once for all who hear it */
  frame: Buffer;
}

/** Characters of changes that are kept for those who come back after a disconnect. */
const KEPT = 2 ** 21;

/**
 * A state and its changes, told to any number of listeners. An event's id says after which change it was told, so that
 * whoever comes back with the last one hears what was missed, and all of it where that is too long ago or was told by
 * another process.
 */
export class Feed {
  readonly #epoch = randomBytes(4).toString('hex');
  readonly #snapshot: () => unknown;
  readonly #recent: FeedEvent[] = [];
  readonly #listeners = new Set<(event: FeedEvent) => void>();
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
    for (const listener of this.#listeners) listener(told);
  }

  /** @returns what ends it */
  listen(lastId: string | undefined, listener: (event: FeedEvent) => void): () => void {
    for (const event of this.#missed(lastId) ?? [this.#whole()]) listener(event);
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
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
