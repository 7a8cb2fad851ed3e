import type { IncomingHttpHeaders } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { CryfoldError } from '@cryfold/core';
import { type Access, isSecure } from './access.js';
import { clientAddress } from './connections.js';
import type { Logger } from './logger.js';

/** Wrong tokens of one address in a minute that are answered at once. */
const TRIES = 30;
/** Milliseconds that each further one waits for its answer. */
const WAIT_MS = 1000;

/** What is looked at in a request. */
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

/** The rate limit of wrong tokens, for `createRateLimit` of @fastify/rate-limit. */
export const WRONG_TOKENS = {
  max: TRIES,
  timeWindow: 60_000,
  keyGenerator: ({ ip }: { ip: string }) => clientAddress(ip),
};

/**
 * Limits how often an address may show a wrong token. A right token is never counted and never waits, so that nobody
 * locks out others behind the same address. The counts of the 5000 addresses seen last are kept.
 */
export class WrongTokens<Request extends Asking> {
  readonly #access: Access;
  readonly #log: Logger;
  readonly #count: (request: Request) => Promise<Counted>;

  /** @param count a limit of WRONG_TOKENS */
  constructor(access: Access, log: Logger, count: (request: Request) => Promise<Counted>) {
    this.#access = access;
    this.#log = log;
    this.#count = count;
  }

  /**
   * What to answer a request whose token is missing or wrong.
   * @returns API_UNAUTHORIZED, or API_BUSY where the address has shown too many wrong ones
   * @param tried whether it showed one; absent: look into its headers
   */
  async error(request: Request, reply: Answering, tried?: boolean): Promise<CryfoldError> {
    const shown = this.#access.shown(request);
    // A browser would show the same wrong cookie with each request.
    if (shown === 'cookie') reply.header('set-cookie', this.#access.close(isSecure(request)));
    if (!(tried ?? shown !== undefined)) return unknownToken();
    const count = await this.#count(request);
    if (count.isAllowed || !count.isExceeded) {
      this.#log.info({ ip: request.ip, path: request.url.split('?')[0] }, 'wrong token');
      return unknownToken();
    }
    await sleep(WAIT_MS);
    reply.header('retry-after', count.ttlInSeconds);
    return new CryfoldError('API_BUSY', `too many wrong tokens; try again in ${count.ttlInSeconds} s`, {
      hint: 'A right token is still accepted.',
    });
  }
}

function unknownToken(): CryfoldError {
  return new CryfoldError('API_UNAUTHORIZED', 'the server knows no such token or session', {
    hint: 'Send a token of the server, which commands take from CRYFOLD_API_TOKEN or CRYFOLD_API_TOKEN_FILE; in a browser, log in at /.',
  });
}
