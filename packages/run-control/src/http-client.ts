import { setTimeout as sleep } from 'node:timers/promises';
import { CryfoldError, errorRecordSchema, readSecret, type Secret } from '@cryfold/core';
import type { z } from 'zod';

/** Maximum number of attempts for idempotent requests. */
const TRIES = 4;
const BASE = 'api/v1/';

export interface ServerAddress {
  url: string;
  token: Secret | undefined;
}

export interface HttpRequest {
  method?: 'GET' | 'HEAD' | 'POST' | 'PUT';
  query?: Record<string, string | undefined>;
  json?: unknown;
  bytes?: Uint8Array;
  headers?: Record<string, string>;
  /** Non-success statuses that the caller handles itself */
  accept?: readonly number[];
}

/** Client for a server's API. Throws the coded errors that the server returns. */
export class HttpClient {
  readonly #base: URL;
  readonly #token: Secret | undefined;
  /** The last token that was read */
  #known: string | undefined;

  constructor({ url, token }: ServerAddress) {
    this.#base = new URL(BASE, url.endsWith('/') ? url : `${url}/`);
    this.#token = token;
  }

  /** @throws CryfoldError SERVER_UNREACHABLE, or the error that the server returned */
  async send(path: string, request: HttpRequest = {}): Promise<Response> {
    return this.#ask(path, request, async (response) => response);
  }

  /** @throws CryfoldError SERVER_UNREACHABLE, also for a response that does not match the schema */
  async json<T>(path: string, schema: z.ZodType<T>, request: HttpRequest = {}): Promise<T> {
    const text = await this.#ask(path, request, (response) => response.text());
    const parsed = schema.safeParse(parseJson(text));
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    const where = issue.path.join('.') || 'the response';
    throw new CryfoldError('SERVER_UNREACHABLE', `${path}: ${where}: ${issue.message}`, {
      hint: 'The server may be running a different version of cryfold than this command.',
    });
  }

  /** Returns the content of the response, or undefined if the artifact does not exist. */
  async bytes(path: string, request: HttpRequest = {}): Promise<Uint8Array | undefined> {
    return this.#ask(path, { ...request, accept: [404] }, async (response) => {
      if (response.status !== 404) return new Uint8Array(await response.arrayBuffer());
      const error = await errorOf(response, new URL(path, this.#base));
      if (error.code === 'ARTIFACT_MISSING') return undefined;
      throw error;
    });
  }

  /** @param read reads the response; the request is repeated if the response breaks off */
  async #ask<T>(path: string, request: HttpRequest, read: (response: Response) => Promise<T>): Promise<T> {
    const { method = 'GET', accept = [] } = request;
    const url = new URL(path, this.#base);
    for (const [name, value] of Object.entries(request.query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, value);
    }
    const headers: Record<string, string> = { ...request.headers };
    if (this.#token) headers.authorization = `Bearer ${this.#currentToken(this.#token)}`;
    if (request.json !== undefined) headers['content-type'] = 'application/json';
    if (request.bytes) headers['content-type'] = 'application/octet-stream';
    const body = request.bytes ?? (request.json === undefined ? undefined : JSON.stringify(request.json));
    for (let attempt = 1; ; attempt++) {
      let waitMs = 250 * 2 ** attempt;
      try {
        // Redirects are not followed, because they could leak the token to another server.
        const response = await fetch(url, { method, headers, body: body ?? null, redirect: 'error' });
        if (response.ok || accept.includes(response.status)) return await read(response);
        waitMs = Math.max(waitMs, 1000 * Math.min(60, Number(response.headers.get('retry-after') ?? 0)));
        throw await errorOf(response, url);
      } catch (cause) {
        const error = cause instanceof CryfoldError ? cause : unreachable(url, cause);
        // A rate-limited request was not executed, so it can be repeated.
        const repeatable = method !== 'POST' || error.code === 'API_BUSY';
        if (!error.retryable || !repeatable || attempt === TRIES) throw error;
        await sleep(waitMs);
      }
    }
  }

  /**
   * Reads a token file for each request, since the file may be replaced while a command follows a run. Uses the
   * previous token while the file is unreadable or contains no token.
   * @throws CryfoldError USAGE, without quoting the file
   */
  #currentToken(token: Secret): string {
    try {
      this.#known = tokenOf(token);
    } catch (error) {
      if (this.#known === undefined) throw error;
    }
    return this.#known;
  }
}

/** Rejects a token that is not valid in a header, because the error that fetch would throw reveals the token. */
function tokenOf(token: Secret): string {
  const text = readSecret(token);
  if (/^[\x21-\x7e]+$/.test(text)) return text;
  const variable = typeof token === 'string' ? 'CRYFOLD_API_TOKEN' : token.variable;
  throw new CryfoldError('USAGE', `environment variable ${variable}: not a valid token`, {
    context: { variable },
    hint: 'Specify a single token on one line.',
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function unreachable(url: URL, cause: unknown): CryfoldError {
  // Use only the message of the inner cause: fetch's own message may quote the request.
  const { cause: inner } = cause as Error;
  const why =
    inner instanceof Error ? inner.message || ('code' in inner ? String(inner.code) : 'no answer') : 'no answer';
  return new CryfoldError('SERVER_UNREACHABLE', `${url.origin}: ${why}`, {
    cause,
    context: { server: url.origin },
    hint: 'Check the URL, and make sure that the coordinator was started with --api-port.',
  });
}

async function errorOf(response: Response, url: URL): Promise<CryfoldError> {
  const text = await response.text().catch(() => '');
  try {
    const parsed = errorRecordSchema.safeParse(JSON.parse(text).error);
    if (parsed.success) return CryfoldError.fromRecord(parsed.data);
  } catch {
    // The response is not JSON; it may be the error page of a proxy.
  }
  return new CryfoldError(
    'SERVER_UNREACHABLE',
    `${url.origin} responded with status ${response.status}, but without a cryfold error code`,
    {
      context: { server: url.origin, status: response.status },
      hint: 'Either the URL belongs to another service, or a proxy between this command and the server failed.',
    },
  );
}
