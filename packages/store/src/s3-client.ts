import { createRequire } from 'node:module';
import { CryfoldError, redactUrl } from '@cryfold/core';
import type * as minio from 'minio';
import { Agents } from './s3-agents.js';
import { type S3Credentials, S3Keys } from './s3-keys.js';
import { transport } from './s3-transport.js';

const require = createRequire(import.meta.url);

/**
 * How to reach an S3 server. Contains secrets, so it is never logged and never put into jobs or arguments. Can be
 * serialised as JSON.
 */
export type S3Settings = S3Place & S3Credentials;

interface S3Place {
  /** `https://host:port`; absent: Amazon S3 */
  endpoint?: string | undefined;
  region: string;
  /** Whether URLs have the form `https://host/bucket/key` or `https://bucket.host/key` */
  addressing: 'path' | 'host';
  /** PEM certificates to trust instead of the system's */
  certificates?: string | undefined;
}

export interface S3Connection {
  client: minio.Client;
  /** The keys with which the client signs its requests */
  keys: S3Keys;
  /** The agents own the client's sockets; the caller of `openClient` must destroy the agents */
  agents: Agents;
}

/**
 * Parses the endpoint, and rejects anything besides a host and a port, which minio-js would silently ignore.
 * @throws CryfoldError STORE_URL_INVALID
 */
function hostOf(endpoint: string): URL {
  const url = new URL(endpoint);
  const more = [
    url.pathname !== '/' && `the path ${url.pathname}`,
    url.search && 'a query',
    url.hash && 'a fragment',
    url.username && 'a user',
  ].find(Boolean);
  if (!more) return url;
  throw new CryfoldError('STORE_URL_INVALID', `CRYFOLD_S3_ENDPOINT ${redactUrl(endpoint)} has ${more}`, {
    hint: 'Use only https://HOST:PORT. The bucket and the prefix belong in s3://BUCKET/PREFIX, and the access key in AWS_ACCESS_KEY_ID.',
  });
}

/**
 * Creates a client of an S3 server. It connects with its first request and never retries by itself.
 * @param limits size of upload parts in bytes, and the time after which a request fails if no byte arrives
 * @throws CryfoldError STORE_URL_INVALID
 */
export function openClient(settings: S3Settings, limits: { partBytes: number; silenceMs: number }): S3Connection {
  const endpoint = hostOf(settings.endpoint ?? 'https://s3.amazonaws.com');
  const tls = endpoint.protocol === 'https:';
  const agents = new Agents(tls ? 'https:' : 'http:', limits.silenceMs);
  // Loaded at first use, which saves 15 MiB in a process with a file store.
  const { Client } = require('minio') as typeof minio;
  const keys = new S3Keys(settings, { certificates: settings.certificates, silenceMs: limits.silenceMs });
  // The providers in minio-js only query Amazon's STS, or assume a role with keys. minio-js does not export the base
  // class of these providers, but it only uses the following members of that class.
  const provider = {
    getCredentials: async () => {
      const { accessKey, secretKey, sessionToken } = await keys.get();
      return { getAccessKey: () => accessKey, getSecretKey: () => secretKey, getSessionToken: () => sessionToken };
    },
  };
  const client = new Client({
    endPoint: endpoint.hostname,
    port: endpoint.port === '' ? (tls ? 443 : 80) : Number(endpoint.port),
    useSSL: tls,
    region: settings.region,
    pathStyle: settings.addressing === 'path',
    credentialsProvider: provider as unknown as NonNullable<minio.ClientOptions['credentialsProvider']>,
    partSize: limits.partBytes,
    retryOptions: { disableRetry: true },
    transport: transport(agents, { certificates: settings.certificates, silenceMs: limits.silenceMs }),
  });
  return { client, keys, agents };
}
