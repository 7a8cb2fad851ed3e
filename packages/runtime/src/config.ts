import { userInfo } from 'node:os';
import { join } from 'node:path';
import { CryfoldError, readNamedFile, readSecret, type Secret, withRedisPasswordFile } from '@cryfold/core';
import type { z } from 'zod';
import { parseApiTokens, type Tokens } from './api-tokens.js';
import { environmentSchema as schema } from './environment.js';
import { defaultChildMemoryMb } from './memory.js';

interface S3Place {
  /** Absent: Amazon S3 */
  endpoint: string | undefined;
  region: string;
  addressing: 'path' | 'host';
  /** Certificates in PEM format */
  certificates: string | undefined;
}

/** How to reach the server of an `s3:` store, and which keys or role to use. Contains secrets. */
export type S3Config = S3Place &
  (
    | { accessKey: Secret; secretKey: Secret; sessionToken: Secret | undefined }
    | { webIdentity: { tokenFile: string; roleArn: string; sessionName: string; endpoint: string } }
  );

/** The HTTP API of a coordinator; without tokens it listens on loopback only. Contains secrets. */
export interface ApiConfig extends Tokens {
  /** 0: any free port */
  port: number;
  host: string;
  /** Maximum number of requests per minute from one client */
  rate: number;
}

/**
 * Where runs and models are stored and processed: in a folder or bucket, with processes on this machine; in a cluster
 * whose Redis and store are reachable; or on a server that executes commands through its API. Contains secrets.
 */
export type Target =
  | Readonly<{
      kind: 'local';
      /** If absent, the command chooses a folder as its store */
      storeUrl: string | undefined;
    }>
  | Readonly<{
      kind: 'cluster';
      redisUrl: string;
      /**
       * If absent, commands that need the cluster's workers are rejected, and all other commands choose a folder as
       * their store
       */
      storeUrl: string | undefined;
    }>
  | Readonly<{ kind: 'server'; url: string; token: Secret | undefined }>;

export interface Config {
  target: Target;
  /** Absent if no credentials are configured. */
  s3: Readonly<S3Config> | undefined;
  /** Folder for built and downloaded files, shared by all checkouts on this machine. */
  cacheDir: string;
  logLevel: string;
  /**
   * The only run that the coordinator handles; `cryfold run` sets this for its own coordinator. If absent, the
   * coordinator handles all runs of the store.
   */
  onlyRun: string | undefined;
  /** Whether `cryfold run` started this service for its own run. */
  local: boolean;
  /** Name of the container image that this process runs in, if any. An image contains only what its services need. */
  image: 'control' | 'cpu-worker' | 'gpu-worker' | undefined;
  /** How long a starting service waits if Redis or the store is unavailable, in seconds. */
  startSeconds: number;
  /** How long a stopping worker keeps training its fold, in seconds. */
  graceSeconds: number;
  /**
   * Memory limit of one training or prediction process, in MiB; by default, nearly all memory of the machine or cgroup.
   */
  childMemoryMb: number;
  /** The GPUs to use, by CUDA index or UUID; if absent, all GPUs are used. */
  visibleGpus: readonly string[] | undefined;
  /** Port of /metrics, /healthz and /readyz; if absent, they are not served. */
  metricsPort: number | undefined;
  /** Address to listen on; if absent, the service listens on all interfaces. */
  metricsHost: string | undefined;
  /** Base URL of the OTLP/HTTP collector for traces; if absent, nothing is traced. */
  otlpEndpoint: string | undefined;
  /** If absent, the API is not served. */
  api: Readonly<ApiConfig> | undefined;
  /** Tokens that a prediction server accepts. */
  serve: () => Readonly<Tokens>;
}

/**
 * The value of a variable, or the content of the file named by `NAME_FILE`, since containers mount secrets as files.
 * The variable counts as set even if the file is empty, because the file may be about to be written.
 * @throws CryfoldError USAGE if the file cannot be read right now
 */
function secretOf(
  env: z.infer<typeof schema>,
  name:
    | 'AWS_ACCESS_KEY_ID'
    | 'AWS_SECRET_ACCESS_KEY'
    | 'AWS_SESSION_TOKEN'
    | 'CRYFOLD_API_TOKEN'
    | 'CRYFOLD_API_TOKENS'
    | 'CRYFOLD_SERVE_TOKENS',
): Secret | undefined {
  const file = env[`${name}_FILE`];
  const secret = env[name] ?? (file === undefined ? undefined : { file, variable: `${name}_FILE` });
  if (secret !== undefined) readSecret(secret);
  return secret;
}

/**
 * The address of Redis. If the address contains no password, a mounted password is read from its file at each
 * connection. A URL parameter contains the path of that file for `FreshRedis` in the `queue` package.
 */
function redisUrl({ REDIS_URL, REDIS_PASSWORD_FILE }: z.infer<typeof schema>): string | undefined {
  if (!REDIS_URL || !REDIS_PASSWORD_FILE) return REDIS_URL;
  // The file is also read here, so that a wrong file name is reported immediately.
  readNamedFile('REDIS_PASSWORD_FILE', REDIS_PASSWORD_FILE);
  return withRedisPasswordFile(REDIS_URL, REDIS_PASSWORD_FILE);
}

function targetOf(env: z.infer<typeof schema>): Target {
  const { CRYFOLD_SERVER: url, CRYFOLD_STORE: storeUrl } = env;
  if (url) return Object.freeze({ kind: 'server', url, token: clientToken(env) });
  const redis = redisUrl(env);
  return Object.freeze(
    redis === undefined ? { kind: 'local', storeUrl } : { kind: 'cluster', redisUrl: redis, storeUrl },
  );
}

function s3Config(env: z.infer<typeof schema>): Readonly<S3Config> | undefined {
  const credentials = givenKeys(env) ?? webIdentity(env);
  if (!credentials) return undefined;
  return Object.freeze({
    endpoint: env.CRYFOLD_S3_ENDPOINT,
    region: env.AWS_REGION,
    // Amazon requires virtual-hosted names; self-hosted servers seldom have a DNS name per bucket.
    addressing: env.CRYFOLD_S3_ADDRESSING ?? (env.CRYFOLD_S3_ENDPOINT === undefined ? 'host' : 'path'),
    certificates: env.CRYFOLD_S3_CA_FILE && readNamedFile('CRYFOLD_S3_CA_FILE', env.CRYFOLD_S3_CA_FILE),
    ...credentials,
  });
}

function givenKeys(env: z.infer<typeof schema>) {
  const accessKey = secretOf(env, 'AWS_ACCESS_KEY_ID');
  const secretKey = secretOf(env, 'AWS_SECRET_ACCESS_KEY');
  if (!accessKey || !secretKey) return undefined;
  return { accessKey, secretKey, sessionToken: secretOf(env, 'AWS_SESSION_TOKEN') };
}

/**
 * Parameters for assuming a role instead of using keys, from the variables that AWS SDKs use. @throws CryfoldError
 * USAGE
 */
function webIdentity(env: z.infer<typeof schema>) {
  const { AWS_WEB_IDENTITY_TOKEN_FILE: tokenFile, AWS_ROLE_ARN: roleArn, AWS_REGION: region } = env;
  if (!tokenFile || !roleArn) return undefined;
  readNamedFile('AWS_WEB_IDENTITY_TOKEN_FILE', tokenFile);
  const { CRYFOLD_S3_ENDPOINT: s3, AWS_ENDPOINT_URL_STS: sts } = env;
  if (sts === undefined && s3 !== undefined && !/\.amazonaws\.com(\.cn)?$/.test(new URL(s3).hostname)) {
    // Otherwise the token would be sent to Amazon, although the store is not on Amazon.
    throw new CryfoldError('USAGE', 'AWS_WEB_IDENTITY_TOKEN_FILE requires AWS_ENDPOINT_URL_STS on your own S3 server', {
      context: { variable: 'AWS_ENDPOINT_URL_STS' },
      hint: 'Set AWS_ENDPOINT_URL_STS to the address of the STS server. For MinIO, this is the value of CRYFOLD_S3_ENDPOINT.',
    });
  }
  const amazon = `https://sts.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;
  return { webIdentity: { tokenFile, roleArn, sessionName: env.AWS_ROLE_SESSION_NAME, endpoint: sts ?? amazon } };
}

/**
 * Returns the token to send in a header. Rejects a server's list of tokens, because it is easily set here by mistake.
 * @throws CryfoldError USAGE
 */
function clientToken(env: z.infer<typeof schema>): Secret | undefined {
  const secret = secretOf(env, 'CRYFOLD_API_TOKEN');
  const token = secret && readSecret(secret);
  if (token === undefined || (/^[\x21-\x7e]+$/.test(token) && !/^(read|operate):/.test(token))) return secret;
  const variable = env.CRYFOLD_API_TOKEN === undefined ? 'CRYFOLD_API_TOKEN_FILE' : 'CRYFOLD_API_TOKEN';
  throw new CryfoldError('USAGE', `environment variable ${variable}: the value is not a single token`, {
    context: { variable },
    hint: 'Use a single token. From a line such as operate:TOKEN in the token list of the server, use only the part after the colon.',
  });
}

function apiConfig(env: z.infer<typeof schema>): Readonly<ApiConfig> | undefined {
  if (env.CRYFOLD_API_PORT === undefined) return undefined;
  return Object.freeze({
    port: env.CRYFOLD_API_PORT,
    host: env.CRYFOLD_API_HOST,
    ...tokensOf(env, 'CRYFOLD_API_TOKENS'),
    rate: env.CRYFOLD_API_RATE,
  });
}

/**
 * Returns the tokens of a server. Rejects a variable or file without tokens, because the server would then accept every
 * client.
 */
function tokensOf(env: z.infer<typeof schema>, name: 'CRYFOLD_API_TOKENS' | 'CRYFOLD_SERVE_TOKENS'): Tokens {
  const secret = secretOf(env, name);
  const tokens = parseApiTokens(secret ? readSecret(secret) : '', name);
  if (secret !== undefined && secret !== '' && tokens.length === 0) {
    const [variable, where] = typeof secret === 'object' ? [secret.variable, `: ${secret.file}`] : [name, ''];
    throw new CryfoldError('USAGE', `environment variable ${variable}${where} contains no token`, {
      context: { variable },
      hint: 'Add lines of the form read:TOKEN or operate:TOKEN, or unset the variable to run the server without tokens.',
    });
  }
  return { tokens, tokensFile: typeof secret === 'object' ? secret.file : undefined };
}

/** @throws CryfoldError USAGE if neither HOME nor the system's user database contains a home folder */
function home({ HOME }: NodeJS.ProcessEnv): string {
  if (HOME) return HOME;
  try {
    // Unlike os.homedir(), this rejects an empty HOME.
    return userInfo().homedir;
  } catch (cause) {
    throw new CryfoldError('USAGE', 'HOME is not set, and this user has no home folder', {
      cause,
      context: { variable: 'HOME' },
      hint: 'Set HOME, or set CRYFOLD_CACHE to a folder for built and downloaded files.',
    });
  }
}

/**
 * Returns the configuration from the environment, parsed once and frozen. No other code reads process.env.
 * @throws CryfoldError USAGE with the name of the variable
 */
export function loadConfig(environment: NodeJS.ProcessEnv = process.env): Readonly<Config> {
  // Many tools "unset" a variable by setting it to an empty string.
  const set = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const parsed = schema.safeParse(set);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const variable = issue.path.join('.');
    throw new CryfoldError('USAGE', `environment variable ${variable}: ${issue.message}`, {
      context: { variable },
      ...(variable === 'CRYFOLD_SERVER'
        ? { hint: 'Set it to the address of a coordinator’s API: http://HOST:PORT.' }
        : {}),
    });
  }
  const env = parsed.data;
  return Object.freeze({
    target: targetOf(env),
    s3: s3Config(env),
    cacheDir: env.CRYFOLD_CACHE ?? join(env.XDG_CACHE_HOME ?? join(home(environment), '.cache'), 'cryfold'),
    logLevel: env.CRYFOLD_LOG_LEVEL,
    onlyRun: env.CRYFOLD_ONLY_RUN,
    local: env.CRYFOLD_LOCAL !== undefined,
    image: env.CRYFOLD_IMAGE,
    startSeconds: env.CRYFOLD_START_TIMEOUT,
    graceSeconds: env.CRYFOLD_GRACE_SECONDS,
    childMemoryMb: env.CRYFOLD_CHILD_MEMORY_MB ?? defaultChildMemoryMb(),
    visibleGpus: env.CUDA_VISIBLE_DEVICES?.split(',').map((gpu) => gpu.trim()),
    metricsPort: env.CRYFOLD_METRICS_PORT,
    metricsHost: env.CRYFOLD_METRICS_HOST,
    otlpEndpoint: env.OTEL_EXPORTER_OTLP_ENDPOINT,
    api: apiConfig(env),
    serve: () => Object.freeze(tokensOf(env, 'CRYFOLD_SERVE_TOKENS')),
  });
}
