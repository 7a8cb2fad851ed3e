import { CryfoldError } from '@cryfold/core';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** Bytes of an answer that is not counted. */
const SMALL = 64 * 1024;
/** Bytes of larger answers that clients have yet to take: of all tokens, and of one. */
const ALL = 96 * 2 ** 20;
const OF_ONE = 48 * 2 ** 20;
/** Answers made at once where making one may take as many bytes as these bounds allow. */
const AT_ONCE = 4;

/**
 * Bounds the memory that answers take until their clients have read them. Artifacts and event streams are not counted,
 * since they wait for the client instead of being held. What nobody needs a token for is not counted either: its size
 * and time are bounded already.
 */
export class HeldAnswers {
  readonly #names = new Map<string, number>();
  readonly #waiting: (() => void)[] = [];
  #all = 0;
  #making = 0;

  /**
   * Counts an answer until it is sent or its connection ends. A single answer is never too large.
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
   * Makes an answer that may be large, once few others are being made.
   * @throws CryfoldError API_BUSY, and as `make`
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
    throw new CryfoldError('API_BUSY', 'too many large answers wait for their clients to read them', {
      hint: 'Read earlier answers to their end, and try again.',
    });
  }

  #add(name: string, bytes: number): void {
    this.#all += bytes;
    const own = (this.#names.get(name) ?? 0) + bytes;
    if (own > 0) this.#names.set(name, own);
    else this.#names.delete(name);
  }
}
