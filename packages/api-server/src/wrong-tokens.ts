import { setTimeout as sleep } from 'node:timers/promises';
import { CryfoldError } from '@cryfold/core';
import { clientAddress, type Logger } from '@cryfold/runtime';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Access, isSecure } from './access.js';
import type { App } from './app.js';

/** Wrong tokens of one address in a minute that are answered at once. */
const TRIES = 30;
/** Milliseconds that each further one waits for its answer. */
const WAIT_MS = 1000;

/**
 * Limits how often an address may show a wrong token. A right token is never counted and never waits, so that nobody
 * locks out others behind the same address. The counts of the 5000 addresses seen last are kept.
 */
export class WrongTokens {
  readonly #access: Access;
  readonly #log: Logger;
  readonly #count: ReturnType<App['createRateLimit']>;

  /** @param app with the rate limit plugin */
  constructor(app: App, access: Access, log: Logger) {
    this.#access = access;
    this.#log = log;
    this.#count = app.createRateLimit({
      max: TRIES,
      timeWindow: 60_000,
      keyGenerator: ({ ip }) => clientAddress(ip),
    });
  }

  /**
   * What to answer a request whose token is missing or wrong.
   * @returns API_UNAUTHORIZED, or API_BUSY where the address has shown too many wrong ones
   * @param tried whether it showed one; absent: look into its headers
   */
  async error(request: FastifyRequest, reply: FastifyReply, tried?: boolean): Promise<CryfoldError> {
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
    hint: 'Set CRYFOLD_API_TOKEN or CRYFOLD_API_TOKEN_FILE to a token of the server; in a browser, log in at /.',
  });
}
