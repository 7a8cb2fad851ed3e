import type { IncomingMessage } from 'node:http';

/** After `GRACE_MS` milliseconds, an upload must have averaged at least `RATE` bytes per second. */
const GRACE_MS = 5000;
const RATE = 64 * 1024;

interface Arrival {
  request: IncomingMessage;
  /** When the upload started, in Unix milliseconds, and the number of bytes that the connection had received by then */
  since: number;
  bytes: number;
  /** Resolves when the upload releases its place. */
  ended: Promise<unknown>;
}

/**
 * Uploads in progress. If no place is free, a slow upload loses its place, so that slow clients cannot block all
 * others.
 */
export class Arrivals {
  readonly #all = new Set<Arrival>();

  /** @returns a function to call when the upload is complete or has failed */
  add(request: IncomingMessage, ended: Promise<unknown>): () => void {
    const arrival = { request, since: Date.now(), bytes: request.socket.bytesRead, ended };
    this.#all.add(arrival);
    return () => void this.#all.delete(arrival);
  }

  /**
   * Closes the connection of the slowest upload, if any upload is too slow.
   * @returns whether a connection was closed and its place released
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
