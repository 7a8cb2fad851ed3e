import type { IncomingMessage } from 'node:http';

/** Milliseconds after which the rate of an upload is judged, and bytes a second that it then has on average. */
const GRACE_MS = 5000;
const RATE = 64 * 1024;

interface Arrival {
  request: IncomingMessage;
  /** When it began, ms since the epoch, and what its connection had received by then, bytes */
  since: number;
  bytes: number;
  /** Settles when its place is free again. */
  ended: Promise<unknown>;
}

/**
 * Uploads that are being received. Where all places are taken, one that arrives slowly gives up its own, so that clients
 * which hardly send anything cannot keep all others out.
 */
export class Arrivals {
  readonly #all = new Set<Arrival>();

  /** @returns what is called when the upload is complete or has failed */
  add(request: IncomingMessage, ended: Promise<unknown>): () => void {
    const arrival = { request, since: Date.now(), bytes: request.socket.bytesRead, ended };
    this.#all.add(arrival);
    return () => void this.#all.delete(arrival);
  }

  /**
   * Closes the connection of the slowest upload, if one is slow.
   * @returns whether one was; its place is free by then
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
