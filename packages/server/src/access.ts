import { createHmac, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import { CryfoldError, sha256 } from '@cryfold/core';
import type { ApiConfig, ApiRole } from '@cryfold/runtime';
import type { FastifyRequest } from 'fastify';

/** Who asks: named by the hash of a token, never by the token. */
export interface Principal {
  role: ApiRole;
  name: string;
}

const COOKIE = 'cryfold_session';
/** Seconds that a browser's session lasts. */
const SESSION = 12 * 3600;
/** Whoever reaches a port of loopback that asks for no token. */
const ANYONE: Principal = { role: 'operate', name: 'loopback' };

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

const bytes = (text: string) => new TextEncoder().encode(text);

/**
 * Says who a request comes from: a bearer token, or a browser's session, which is a signed cookie that scripts cannot
 * read. The signature's key is the token that the session was opened with, so that all coordinators know it, and it ends
 * with the token. docs/api.md says why a cookie is safe here.
 */
export class Access {
  readonly #tokens: { token: string; principal: Principal }[];

  /** @throws CryfoldError API_EXPOSED */
  constructor({ tokens, host }: Pick<ApiConfig, 'tokens' | 'host'>) {
    if (tokens.length === 0 && !isLoopback(host)) {
      throw new CryfoldError('API_EXPOSED', `the API would listen on ${host} without any token`, {
        context: { host },
        hint: 'Set CRYFOLD_API_TOKENS or CRYFOLD_API_TOKENS_FILE to lines read:TOKEN and operate:TOKEN.',
      });
    }
    this.#tokens = tokens.map(({ role, token }) => ({
      token,
      principal: { role, name: sha256(bytes(token)).slice(0, 12) },
    }));
  }

  /** Whether nobody is asked for a token. */
  get open(): boolean {
    return this.#tokens.length === 0;
  }

  of({ headers }: Pick<FastifyRequest, 'headers'>): Principal | undefined {
    if (this.open) return ANYONE;
    const bearer = /^Bearer (\S+)$/i.exec(headers.authorization ?? '')?.[1];
    if (bearer !== undefined) return this.#known(bearer)?.principal;
    const cookie = (headers.cookie ?? '').split(/; */).find((part) => part.startsWith(`${COOKIE}=`));
    return cookie === undefined ? undefined : this.#session(cookie.slice(COOKIE.length + 1));
  }

  /** Opens a session: the principal, and the value of the Set-Cookie header. */
  login(token: string, secure: boolean): { principal: Principal; cookie: string } | undefined {
    const known = this.#known(token);
    if (!known) return undefined;
    const expires = Math.floor(Date.now() / 1000) + SESSION;
    return {
      principal: known.principal,
      cookie: setCookie(`${expires}.${sign(known.token, expires)}`, SESSION, secure),
    };
  }

  close(secure: boolean): string {
    return setCookie('', 0, secure);
  }

  #known(token: string) {
    const given = sha256(bytes(token));
    // All are compared, each in constant time: hashes have one length whatever the tokens' is.
    return this.#tokens.filter((known) => equal(sha256(bytes(known.token)), given))[0];
  }

  #session(value: string): Principal | undefined {
    const [, expires, signature] = /^(\d{1,12})\.([0-9a-f]{64})$/.exec(value) ?? [];
    if (!signature || Number(expires) * 1000 < Date.now()) return undefined;
    return this.#tokens.filter(({ token }) => equal(sign(token, Number(expires)), signature))[0]?.principal;
  }
}

function sign(token: string, expires: number): string {
  return createHmac('sha256', token).update(`cryfold session ${expires}`).digest('hex');
}

function equal(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(bytes(a), bytes(b));
}

function setCookie(value: string, age: number, secure: boolean): string {
  return `${COOKIE}=${value}; Path=/; Max-Age=${age}; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}`;
}

/**
 * Refuses what another site's page could make a browser send: requests that change something and come from another
 * origin, and, where no token is asked for, names that are not this machine's (DNS rebinding).
 * @throws CryfoldError API_FORBIDDEN
 */
export function refuseOtherSites({ method, headers }: Pick<FastifyRequest, 'method' | 'headers'>, open: boolean): void {
  const host = headers.host ?? '';
  const refuse = (why: string) => {
    throw new CryfoldError('API_FORBIDDEN', why, { hint: 'Open the page at the address that the server listens on.' });
  };
  if (open && !isLoopback(host.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')))
    refuse('the Host header names no loopback');
  if (method === 'GET' || method === 'HEAD') return;
  const { origin, 'sec-fetch-site': site } = headers;
  if (origin !== undefined && origin.replace(/^https?:\/\//, '') !== host)
    refuse('the request comes from another site');
  if (site !== undefined && site !== 'same-origin' && site !== 'none') refuse('the request comes from another site');
}
