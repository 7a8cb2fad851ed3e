import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { CryfoldError, sha256 } from '@cryfold/core';
import type { ApiRole, ApiToken } from './api-tokens.js';

/** The client of a request, identified by the hash of its token, never by the token itself. */
export interface Principal {
  role: ApiRole;
  name: string;
}

/** The part of a request that access checks read. */
interface Asking {
  headers: IncomingHttpHeaders;
}

/** How long a browser session lasts, in seconds. */
const SESSION_SECONDS = 12 * 3600;
/** Maximum number of session cookies that a browser keeps for other servers on the same host. */
const OTHER_SESSIONS = 8;
/** Matches a cookie's value: its expiry in seconds since the Unix epoch, followed by the signature. */
const SESSION_VALUE = /^(\d{1,12})\.([0-9a-f]{64})$/;
/** The principal of every client if no token is required; such a server only listens on loopback. */
const ANYONE: Principal = { role: 'operate', name: 'loopback' };

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

const bytes = (text: string) => new TextEncoder().encode(text);

/**
 * Identifies the client of a request by its bearer token or by its browser session. A session is a signed cookie that
 * scripts cannot read. It is signed with the token that opened the session, so all servers that have this token accept
 * the session, and it becomes invalid when the token is removed. docs/api.md explains why a cookie is safe here.
 */
export class Access {
  #tokens: { token: string; hash: string; principal: Principal }[] = [];
  /** Browsers send a cookie to every port of a host, so servers with different tokens need different cookie names. */
  #cookie = '';

  /** @param tokens if empty, every client may do everything */
  constructor(tokens: readonly ApiToken[]) {
    this.#set(tokens);
  }

  /**
   * Replaces the tokens with a non-empty list. Browsers must log in again, since the name of their cookie depends on
   * all tokens.
   * @returns names of the principals that were removed
   */
  replace(tokens: readonly ApiToken[]): string[] {
    if (tokens.length === 0) throw new Error('without a token, the API would be open to everyone');
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

  /** Whether the API requires no token. */
  get open(): boolean {
    return this.#tokens.length === 0;
  }

  of({ headers }: Asking): Principal | undefined {
    if (this.open) return ANYONE;
    const bearer = /^Bearer (\S+)$/i.exec(headers.authorization ?? '')?.[1];
    if (bearer !== undefined) return this.#known(bearer)?.principal;
    return this.#session(this.#shownCookie(headers));
  }

  /**
   * Returns whether a request contains a token, valid or not, in a header or in a cookie. An expired session does not
   * count.
   */
  shown({ headers }: Asking): 'header' | 'cookie' | undefined {
    if (headers.authorization !== undefined) return 'header';
    const value = this.#shownCookie(headers);
    return value === undefined || isExpired(value) ? undefined : 'cookie';
  }

  /** Opens a session. Returns the principal and the value of the Set-Cookie header. */
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
   * Returns Set-Cookie values that delete all but the newest sessions of other servers on this host, such as earlier
   * local runs. Otherwise the Cookie header would grow beyond what servers accept.
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
    // Compares all tokens in constant time. Hashes have the same length, regardless of the tokens.
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

/** It is safe to trust the proxy's header here, because it can only make the cookie stricter. */
export function isSecure({ protocol, headers }: Asking & { protocol: string }): boolean {
  return protocol === 'https' || headers['x-forwarded-proto'] === 'https';
}

/**
 * Rejects requests that another site could make a browser send: requests from another origin that would change
 * something and, if no token is required, requests to a host name other than this machine's (DNS rebinding).
 * @throws CryfoldError API_FORBIDDEN
 */
export function refuseOtherSites({ method, headers }: Asking & { method: string }, open: boolean): void {
  const host = headers.host ?? '';
  const refuse = (why: string) => {
    throw new CryfoldError('API_FORBIDDEN', why, { hint: 'Open the page at the address that the server listens on.' });
  };
  if (open && !isLoopback(host.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')))
    refuse('the Host header is not a loopback address');
  if (method === 'GET' || method === 'HEAD') return;
  const { origin, 'sec-fetch-site': site } = headers;
  if (origin !== undefined && origin.replace(/^https?:\/\//, '') !== host)
    refuse('the request comes from another site');
  if (site !== undefined && site !== 'same-origin' && site !== 'none') refuse('the request comes from another site');
}
