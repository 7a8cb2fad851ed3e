import { CryfoldError } from '@cryfold/core';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** Responses of at most this many bytes are not counted. */
const SMALL = 64 * 1024;
/** Maximum bytes of larger responses that clients have not read yet, in total and per token. */
const ALL = 96 * 2 ** 20;
const OF_ONE = 48 * 2 ** 20;
/** Maximum number of potentially large responses that are created at the same time. */
const AT_ONCE = 4;

/**
 * Limits the memory of responses that clients have not read yet. Artifacts and event streams are not counted, since
 * they use backpressure. Responses that need no token are not counted either, since their size and duration are already
 * limited.
 */
export class HeldAnswers {
  readonly #names = new Map<string, number>();
  readonly #waiting: (() => void)[] = [];
  #all = 0;
  #making = 0;

  /**
   * Counts a response until it is sent or its connection ends. A response is never refused because of its own size
   * alone.
   * @throws CryfoldError API_BUSY
   */
  hold({ principal }: FastifyRequest, { raw }: FastifyReply, payload: unknown): void {
    const bytes = typeof payload === 'string' || Buffer.isBuffer(payload) ? payload.length : 0;
    if (!principal || bytes <= SMALL) return;
    const { name } = principal;
    this.#check(name, bytes);
    this.#add(name, bytes);
    raw.once('close', () => this.#add(name, -bytes));
  }

  /**
   * Creates a potentially large response, with limited concurrency.
   * @throws CryfoldError API_BUSY, or any error of `make`
   */
  async make<T>({ principal, raw }: FastifyRequest, make: () => Promise<T>): Promise<T> {
    while (this.#making >= AT_ONCE) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#making++;
    try {
      if (raw.destroyed) throw new CryfoldError('API_BUSY', 'the client closed the connection');
      this.#check(principal?.name ?? '', SMALL);
      return await make();
    } finally {
      this.#making--;
      this.#waiting.shift()?.();
    }
  }

  #check(name: string, bytes: number): void {
    const own = this.#names.get(name) ?? 0;
    const fits = (held: number, limit: number) => held === 0 || held + bytes <= limit;
    if (fits(own, OF_ONE) && fits(this.#all, ALL)) return;
    throw new CryfoldError('API_BUSY', 'too many large responses are waiting to be read', {
      hint: 'Read the earlier responses completely, then try again.',
    });
  }

  #add(name: string, bytes: number): void {
    this.#all += bytes;
    const own = (this.#names.get(name) ?? 0) + bytes;
    if (own > 0) this.#names.set(name, own);
    else this.#names.delete(name);
  }
}
