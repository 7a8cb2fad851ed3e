import type { IncomingMessage } from 'node:http';

/** Uploads must average `RATE` bytes per second after `GRACE_MS` milliseconds. */
const GRACE_MS = 5000;
const RATE = 64 * 1024;

interface Arrival {
  request: IncomingMessage;
  /** Start in milliseconds since the Unix epoch, and the bytes that its connection had received by then */
  since: number;
  bytes: number;
  /** Settles when its place is released. */
  ended: Promise<unknown>;
}

/**
 * Uploads in progress. If all places are taken, a slow upload loses its place, so that slow clients cannot block all
 * others.
 */
export class Arrivals {
  readonly #all = new Set<Arrival>();

  /** @returns function to call when the upload is complete or has failed */
  add(request: IncomingMessage, ended: Promise<unknown>): () => void {
    const arrival = { request, since: Date.now(), bytes: request.socket.bytesRead, ended };
    this.#all.add(arrival);
    return () => void this.#all.delete(arrival);
  }

  /**
   * Closes the connection of the slowest upload, if one is slow.
   * @returns whether one was closed; its place is released by then
   */
  async closeSlowest(): Promise<boolean> {
    const now = Date.now();
    let slowest: Arrival | undefined;
    let least = RATE;
    for (const arrival of this.#all) {
      const { request, since, bytes } = arrival;
      const rate = ((request.socket.bytesRead - bytes) / (now - since)) * 1000;
      if (now - since < GRACE_MS || rate >= least) continue;
      slowest = arrival;
      least = rate;
    }
    if (!slowest) return false;
    this.#all.delete(slowest);
    slowest.request.socket.destroy();
    await slowest.ended;
    return true;
  }
}
