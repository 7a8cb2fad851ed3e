import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { CryfoldError, sha256 } from '@cryfold/core';
import type { ApiRole, ApiToken } from './api-tokens.js';

/** Who asks: named by the hash of a token, never by the token. */
export interface Principal {
  role: ApiRole;
  name: string;
}

/** What is looked at in a request. */
interface Asking {
  headers: IncomingHttpHeaders;
}

/** Seconds that a browser's session lasts. */
const SESSION_SECONDS = 12 * 3600;
/** Sessions of other servers on the same host that a browser keeps. */
const OTHER_SESSIONS = 8;
/** When it expires, seconds since the epoch, and the signature of that. */
const SESSION_VALUE = /^(\d{1,12})\.([0-9a-f]{64})$/;
/** Everybody who reaches a port of loopback that asks for no token. */
const ANYONE: Principal = { role: 'operate', name: 'loopback' };

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

const bytes = (text: string) => new TextEncoder().encode(text);

/**
 * Says who a request comes from: a bearer token, or a browser's session, which is a signed cookie that scripts cannot
 * read. The signature's key is the token that the session was opened with, so that all servers with that token know it, and it ends
 * with the token. docs/api.md says why a cookie is safe here.
 */
export class Access {
  #tokens: { token: string; hash: string; principal: Principal }[] = [];
  /** Browsers send a cookie to every port of a host: servers with other tokens need another name. */
  #cookie = '';

  /** @param tokens none: everybody may do everything */
  constructor(tokens: readonly ApiToken[]) {
    this.#set(tokens);
  }

  /**
   * Knows these tokens from now on, of which there is at least one. Browsers log in again: their cookie is named after
   * all tokens.
   * @returns names of the principals that are no longer known
   */
  replace(tokens: readonly ApiToken[]): string[] {
    if (tokens.length === 0) throw new Error('without a token, the API would be open to everybody');
    const before = this.#tokens;
    this.#set(tokens);
    const known = new Set(this.#tokens.map(({ hash }) => hash));
    return before.filter(({ hash }) => !known.has(hash)).map(({ principal }) => principal.name);
  }

  #set(tokens: readonly ApiToken[]): void {
    this.#tokens = tokens.map(({ role, token }) => {
      const hash = sha256(bytes(token));
      return { token, hash, principal: { role, name: hash.slice(0, 12) } };
    });
    this.#cookie = `cryfold_${sha256(bytes(this.#tokens.map(({ hash }) => hash).join())).slice(0, 8)}`;
  }

  /** Whether requests need no token. */
  get open(): boolean {
    return this.#tokens.length === 0;
  }

  of({ headers }: Asking): Principal | undefined {
    if (this.open) return ANYONE;
    const bearer = /^Bearer (\S+)$/i.exec(headers.authorization ?? '')?.[1];
    if (bearer !== undefined) return this.#known(bearer)?.principal;
    return this.#session(this.#shownCookie(headers));
  }

  /** Where a request shows a token, be it right or wrong. A session that has expired shows none. */
  shown({ headers }: Asking): 'header' | 'cookie' | undefined {
    if (headers.authorization !== undefined) return 'header';
    const value = this.#shownCookie(headers);
    return value === undefined || isExpired(value) ? undefined : 'cookie';
  }

  /** Opens a session: the principal, and the value of the Set-Cookie header. */
  login(token: string, secure: boolean): { principal: Principal; cookie: string } | undefined {
    const known = this.#known(token);
    if (!known) return undefined;
    const expires = Math.floor(Date.now() / 1000) + SESSION_SECONDS;
    return {
      principal: known.principal,
      cookie: this.#setCookie(`${expires}.${sign(known.token, expires)}`, SESSION_SECONDS, secure),
    };
  }

  /**
   * What makes a browser forget all but the newest sessions of other servers on this host, such as those of earlier local
   * runs. Without it, its Cookie header would grow past what a server accepts.
   */
  forgetOldest({ headers }: Asking): string[] {
    const others = [...(headers.cookie ?? '').matchAll(/\b(cryfold_[0-9a-f]{8})=(\d*)/g)];
    return others
      .filter(([, name]) => name !== this.#cookie)
      .sort(([, , a], [, , b]) => Number(b) - Number(a))
      .slice(OTHER_SESSIONS)
      .map(([, name]) => `${name}=; Path=/; Max-Age=0`);
  }

  close(secure: boolean): string {
    return this.#setCookie('', 0, secure);
  }

  #known(token: string) {
    const given = sha256(bytes(token));
    // All are compared, each in constant time: hashes have one length whatever the tokens' is.
    return this.#tokens.filter(({ hash }) => equal(hash, given))[0];
  }

  #shownCookie(headers: IncomingHttpHeaders): string | undefined {
    const cookie = (headers.cookie ?? '').split(/; */).find((part) => part.startsWith(`${this.#cookie}=`));
    return cookie?.slice(this.#cookie.length + 1);
  }

  #setCookie(value: string, ageSeconds: number, secure: boolean): string {
    return `${this.#cookie}=${value}; Path=/; Max-Age=${ageSeconds}; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}`;
  }

  #session(value = ''): Principal | undefined {
    const [, expires, signature] = SESSION_VALUE.exec(value) ?? [];
    if (!signature || isExpired(value)) return undefined;
    return this.#tokens.filter(({ token }) => equal(sign(token, Number(expires)), signature))[0]?.principal;
  }
}

function sign(token: string, expires: number): string {
  return createHmac('sha256', token).update(`cryfold session ${expires}`).digest('hex');
}

function equal(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(bytes(a), bytes(b));
}

function isExpired(value: string): boolean {
  const [, expires] = SESSION_VALUE.exec(value) ?? [];
  return expires !== undefined && Number(expires) * 1000 < Date.now();
}

/** A proxy's header can only make the cookie stricter. */
export function isSecure({ protocol, headers }: Asking & { protocol: string }): boolean {
  return protocol === 'https' || headers['x-forwarded-proto'] === 'https';
}

/**
 * Refuses what another site's page could make a browser send: requests that change something and come from another
 * origin, and, without tokens, host names other than this machine's (DNS rebinding).
 * @throws CryfoldError API_FORBIDDEN
 */
export function refuseOtherSites({ method, headers }: Asking & { method: string }, open: boolean): void {
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
