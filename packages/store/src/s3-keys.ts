import http from 'node:http';
import https from 'node:https';
import { CryfoldError, readSecret, redactUrl, type Secret } from '@cryfold/core';
import { proxyAgent } from '@cryfold/runtime/proxy-agent';
import { failWithProxy } from './s3-transport.js';

/** Keys that are either configured directly, or read repeatedly from mounted files. */
export interface GivenKeys {
  accessKey: Secret;
  secretKey: Secret;
  sessionToken?: Secret | undefined;
}

/** Parameters for assuming a role, as on Amazon EKS (IRSA): see AssumeRoleWithWebIdentity of the STS API. */
export interface WebIdentity {
  /** File that contains a JSON web token and is replaced before the token expires */
  tokenFile: string;
  roleArn: string;
  sessionName: string;
  /** URL of the STS server */
  endpoint: string;
}

export type S3Credentials = GivenKeys | { webIdentity: WebIdentity };

export interface Keys {
  accessKey: string;
  secretKey: string;
  sessionToken?: string | undefined;
}

interface Fetched {
  keys: Keys;
  /** When the keys stop working and must be replaced; Unix milliseconds */
  staleAt: number;
  expiresAt: number;
}

/**
 * Milliseconds after which mounted files are read again. They are also read again whenever the server rejects the keys.
 */
const FILES_MS = 10_000;
/**
 * New keys for a role are fetched this long before the current keys expire, but not before four fifths of their
 * lifetime have passed.
 */
const MARGIN_MS = 5 * 60_000;
/** Minimum time in milliseconds between two attempts to fetch keys for a role. */
const PAUSE_MS = 5000;
/** Maximum size of a response; STS sends a few KiB. */
const ANSWER_BYTES = 2 ** 16;

/** The keys for an S3 server, which may change while the process runs. */
export class S3Keys {
  /** Whether the keys may be replaced while the process runs */
  readonly mayChange: boolean;
  readonly #fetch: () => Promise<Fetched>;
  /** Minimum time in milliseconds between fetching keys and fetching them again because the server rejected them */
  readonly #pauseMs: number;
  #fetched: Fetched | undefined;
  #fetchedAt = Number.NEGATIVE_INFINITY;
  #fetching: Promise<Fetched> | undefined;

  /** @param options certificates to trust (PEM), and the timeout in milliseconds for STS */
  constructor(credentials: S3Credentials, options: { certificates?: string | undefined; silenceMs: number }) {
    const isRole = 'webIdentity' in credentials;
    this.mayChange = isRole || !isFixed(credentials);
    this.#pauseMs = isRole ? PAUSE_MS : 0;
    this.#fetch = isRole ? () => assumeRole(credentials.webIdentity, options) : async () => readKeys(credentials);
  }

  /**
   * Returns the keys to sign a request with.
   * @throws CryfoldError USAGE if a file cannot be read, STORE_DENIED if STS refuses; Error if STS is unavailable
   */
  async get(): Promise<Keys> {
    const known = this.#fetched;
    if (known && Date.now() < known.staleAt) return known.keys;
    try {
      return (await this.#renew()).keys;
    } catch (error) {
      // Keep using the current keys if they have not expired, since a file may be in the middle of being replaced, or
      // STS may only be temporarily unavailable.
      if (!known || Date.now() >= known.expiresAt) throw error;
      this.#fetched = { ...known, staleAt: Math.min(Date.now() + PAUSE_MS, known.expiresAt) };
      return known.keys;
    }
  }

  /** Fetches the keys again after the server rejected `used`. @returns whether the keys have changed */
  async changedSince(used: Keys): Promise<boolean> {
    if (Date.now() - this.#fetchedAt >= this.#pauseMs) await this.#renew().catch(() => {});
    return !isSame(this.#fetched?.keys ?? used, used);
  }

  #renew(): Promise<Fetched> {
    this.#fetching ??= this.#fetch()
      .then((fetched) => {
        this.#fetchedAt = Date.now();
        this.#fetched = fetched;
        return fetched;
      })
      .finally(() => {
        this.#fetching = undefined;
      });
    return this.#fetching;
  }
}

function isSame(a: Keys, b: Keys): boolean {
  return a.accessKey === b.accessKey && a.secretKey === b.secretKey && a.sessionToken === b.sessionToken;
}

function isFixed({ accessKey, secretKey, sessionToken = '' }: GivenKeys): boolean {
  return [accessKey, secretKey, sessionToken].every((secret) => typeof secret === 'string');
}

/** A file that is overwritten in place is empty for a moment, so it is read again later. */
function readFilled(secret: Secret): string {
  const text = readSecret(secret);
  if (text !== '') return text;
  const what = typeof secret === 'string' ? 'an S3 key' : `environment variable ${secret.variable}: ${secret.file}`;
  throw new CryfoldError('STORE_DENIED', `${what} is empty`, {
    hint: 'Write the key to the file, or unset the variable if you provide the keys in another way.',
  });
}

function readKeys(given: GivenKeys): Fetched {
  const { accessKey, secretKey, sessionToken } = given;
  const keys = {
    accessKey: readFilled(accessKey),
    secretKey: readFilled(secretKey),
    sessionToken: sessionToken && readSecret(sessionToken),
  };
  const staleAt = isFixed(given) ? Number.POSITIVE_INFINITY : Date.now() + FILES_MS;
  return { keys, staleAt, expiresAt: Number.POSITIVE_INFINITY };
}

async function assumeRole(
  { tokenFile, roleArn, sessionName, endpoint }: WebIdentity,
  options: { certificates?: string | undefined; silenceMs: number },
): Promise<Fetched> {
  const form = new URLSearchParams({
    ...{ Action: 'AssumeRoleWithWebIdentity', Version: '2011-06-15' },
    ...{ RoleArn: roleArn, RoleSessionName: sessionName },
    WebIdentityToken: readFilled({ file: tokenFile, variable: 'AWS_WEB_IDENTITY_TOKEN_FILE' }),
  });
  const asked = Date.now();
  const place = redactUrl(endpoint);
  const { status, text } = await post(endpoint, form.toString(), options).catch((cause) => {
    throw new Error(`STS at ${place} did not return keys: ${cause.message}`, { cause });
  });
  const element = (name: string) => new RegExp(`<${name}>\\s*([^<]+?)\\s*</${name}>`).exec(text)?.[1];
  if (status >= 400 && status < 500 && status !== 429) {
    throw new CryfoldError('STORE_DENIED', `STS at ${place} refuses the web identity: ${element('Code') ?? status}`, {
      hint: 'Check AWS_ROLE_ARN and AWS_ENDPOINT_URL_STS, and make sure that the role trusts the token in AWS_WEB_IDENTITY_TOKEN_FILE.',
    });
  }
  const [accessKey, secretKey] = [element('AccessKeyId'), element('SecretAccessKey')];
  const expiresAt = Date.parse(element('Expiration') ?? '');
  if (status !== 200 || !accessKey || !secretKey || Number.isNaN(expiresAt)) {
    throw new Error(`STS at ${place} did not return keys: status ${status}`);
  }
  const staleAt = expiresAt - Math.min(MARGIN_MS, (expiresAt - asked) / 5);
  return { keys: { accessKey, secretKey, sessionToken: element('SessionToken') }, staleAt, expiresAt };
}

/** Sends a form. Neither its errors nor the returned responses contain the content of the form. */
async function post(
  endpoint: string,
  body: string,
  { certificates, silenceMs }: { certificates?: string | undefined; silenceMs: number },
): Promise<{ status: number; text: string }> {
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    const { request } = endpoint.startsWith('https:') ? https : http;
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const options: https.RequestOptions = {
      method: 'POST',
      headers,
      ...(certificates && { ca: certificates }),
      agent: proxyAgent(endpoint, { patienceMs: silenceMs }) ?? false,
    };
    const sent = request(endpoint, options, resolve).on('error', reject);
    failWithProxy(sent);
    sent.setTimeout(silenceMs, () => sent.destroy(new Error(`no response within ${silenceMs} ms`)));
    sent.end(body);
  });
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) {
    text += chunk;
    if (text.length > ANSWER_BYTES) throw new Error('its response is too long');
  }
  return { status: response.statusCode ?? 0, text };
}
