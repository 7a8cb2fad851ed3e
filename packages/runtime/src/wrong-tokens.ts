import type { IncomingHttpHeaders } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { CryfoldError } from '@cryfold/core';
import { type Access, isSecure } from './access.js';
import { clientAddress } from './connections.js';
import type { Logger } from './logger.js';

/** How many requests with wrong tokens are answered without delay, per address and minute. */
const TRIES = 30;
/** Milliseconds by which the response to each further wrong token is delayed. */
const WAIT_MS = 1000;

/** The part of a request that these checks read. */
interface Asking {
  ip: string;
  url: string;
  protocol: string;
  headers: IncomingHttpHeaders;
}

interface Answering {
  header(name: string, value: string | number): unknown;
}

type Counted = { isAllowed: true } | { isAllowed: false; isExceeded: boolean; ttlInSeconds: number };

/** The rate limit for wrong tokens, for `createRateLimit` of @fastify/rate-limit. */
export const WRONG_TOKENS = {
  max: TRIES,
  timeWindow: 60_000,
  keyGenerator: ({ ip }: { ip: string }) => clientAddress(ip),
};

/**
 * Limits the rate of wrong tokens per address. Valid tokens are never counted or delayed, so that no client can lock
 * out others behind the same address. Counts are kept for the 5000 most recent addresses.
 */
export class WrongTokens<Request extends Asking> {
  readonly #access: Access;
  readonly #log: Logger;
  readonly #count: (request: Request) => Promise<Counted>;

  /** @param count a limiter created with WRONG_TOKENS */
  constructor(access: Access, log: Logger, count: (request: Request) => Promise<Counted>) {
    this.#access = access;
    this.#log = log;
    this.#count = count;
  }

  /**
   * Returns the error for a request with a missing or wrong token.
   * @returns API_UNAUTHORIZED, or API_BUSY if the address has sent too many wrong tokens
   * @param tried whether the request contained a token; by default, this is determined from its headers
   */
  async error(request: Request, reply: Answering, tried?: boolean): Promise<CryfoldError> {
    const shown = this.#access.shown(request);
    // Otherwise the browser would keep sending the same wrong cookie.
    if (shown === 'cookie') reply.header('set-cookie', this.#access.close(isSecure(request)));
    if (!(tried ?? shown !== undefined)) return unknownToken();
    const count = await this.#count(request);
    if (count.isAllowed || !count.isExceeded) {
      this.#log.info({ ip: request.ip, path: request.url.split('?')[0] }, 'wrong token');
      return unknownToken();
    }
    await sleep(WAIT_MS);
    reply.header('retry-after', count.ttlInSeconds);
    return new CryfoldError('API_BUSY', `too many wrong tokens; retry in ${count.ttlInSeconds} s`, {
      hint: 'Valid tokens are still accepted.',
    });
  }
}

function unknownToken(): CryfoldError {
  return new CryfoldError('API_UNAUTHORIZED', 'the server does not accept this token or session', {
    hint: 'Send a valid token. Commands read it from CRYFOLD_API_TOKEN or CRYFOLD_API_TOKEN_FILE; in a browser, log in at /.',
  });
}
