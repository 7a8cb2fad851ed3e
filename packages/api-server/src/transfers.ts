import { CryfoldError } from '@cryfold/core';
import type { FastifyReply, FastifyRequest } from 'fastify';

export interface TransferLimits {
  /** Maximum number of concurrent downloads, in total and per client */
  downloads: number;
  downloadsOfOne: number;
  /** Maximum number of concurrent uploads. Each may need 8 MiB of memory to buffer a part */
  uploads: number;
  /** Transfers that move less than `windowBytes` within this many milliseconds are aborted */
  windowMs: number;
  windowBytes: number;
}

const LIMITS: TransferLimits = {
  downloads: 64,
  downloadsOfOne: 32,
  uploads: 8,
  windowMs: 60_000,
  windowBytes: 64 * 1024,
};

/** Number of seconds after which clients should retry. */
const RETRY_SECONDS = 5;

type Direction = 'download' | 'upload';

/** Limits the number of concurrent transfers of artifacts, and aborts stalled ones. */
export class Transfers {
  readonly #limits: TransferLimits;
  readonly #downloads = new Map<string, number>();
  #uploads = 0;

  constructor(limits: Partial<TransferLimits> = {}) {
    this.#limits = { ...LIMITS, ...limits };
  }

  /**
   * Counts a transfer as in progress until its response has been sent or its connection has ended, and closes stalled
   * connections.
   * @throws CryfoldError API_BUSY
   */
  begin(direction: Direction, request: FastifyRequest, reply: FastifyReply): void {
    reply.header('retry-after', RETRY_SECONDS);
    const end =
      direction === 'upload' ? this.#beginUpload() : this.#beginDownload(request.principal?.name ?? request.ip);
    reply.removeHeader('retry-after');
    const { socket } = request.raw;
    const moved = () => (direction === 'upload' ? socket.bytesRead : socket.bytesWritten);
    let before = moved();
    const timer = setInterval(() => {
      const now = moved();
      if (now - before < this.#limits.windowBytes) socket.destroy();
      before = now;
    }, this.#limits.windowMs);
    timer.unref();
    reply.raw.once('close', () => {
      clearInterval(timer);
      end();
    });
  }

  #beginUpload(): () => void {
    if (this.#uploads >= this.#limits.uploads) throw busy('uploads');
    this.#uploads++;
    return () => {
      this.#uploads--;
    };
  }

  #beginDownload(client: string): () => void {
    const own = this.#downloads.get(client) ?? 0;
    const all = [...this.#downloads.values()].reduce((sum, count) => sum + count, 0);
    if (own >= this.#limits.downloadsOfOne || all >= this.#limits.downloads) throw busy('downloads');
    this.#downloads.set(client, own + 1);
    return () => {
      const left = (this.#downloads.get(client) ?? 1) - 1;
      if (left > 0) this.#downloads.set(client, left);
      else this.#downloads.delete(client);
    };
  }
}

function busy(what: string): CryfoldError {
  return new CryfoldError('API_BUSY', `too many concurrent ${what}`, { hint: 'Try again later.' });
}
