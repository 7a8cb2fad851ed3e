import { userInfo } from 'node:os';
import { join } from 'node:path';
import { CryfoldError, readNamedFile, readSecret, type Secret, withRedisPasswordFile } from '@cryfold/core';
import { z } from 'zod';
import { parseApiTokens, type Tokens } from './api-tokens.js';
import { defaultChildMemoryMb } from './memory.js';

const schema = z.object({
  REDIS_URL: z.string().min(1).optional(),
  REDIS_PASSWORD_FILE: z.string().optional(),
  CRYFOLD_STORE: z.string().min(1).optional(),
  CRYFOLD_CACHE: z.string().min(1).optional(),
  XDG_CACHE_HOME: z.string().min(1).optional(),
  CRYFOLD_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
  CRYFOLD_ONLY_RUN: z.string().min(1).optional(),
  CRYFOLD_LOCAL: z.string().optional(),
  CRYFOLD_IMAGE: z.enum(['control', 'cpu-worker', 'gpu-worker']).optional(),
  CRYFOLD_START_TIMEOUT: z.coerce.number().min(0).max(86_400).default(60),
  // Timers of Node end at once where they would last longer than 24 days.
  CRYFOLD_GRACE_SECONDS: z.coerce.number().min(0).max(2_000_000).default(25),
  CRYFOLD_S3_ENDPOINT: z.url({ protocol: /^https?$/ }).optional(),
  CRYFOLD_S3_ADDRESSING: z.enum(['path', 'host']).optional(),
  CRYFOLD_S3_CA_FILE: z.string().optional(),
  AWS_REGION: z.string().default('us-east-1'),
  AWS_ACCESS_KEY_ID: z.string().optional(),
  AWS_ACCESS_KEY_ID_FILE: z.string().optional(),
  AWS_SECRET_ACCESS_KEY: z.string().optional(),
  AWS_SECRET_ACCESS_KEY_FILE: z.string().optional(),
  AWS_SESSION_TOKEN: z.string().optional(),
  AWS_SESSION_TOKEN_FILE: z.string().optional(),
  AWS_WEB_IDENTITY_TOKEN_FILE: z.string().optional(),
  AWS_ROLE_ARN: z.string().optional(),
  AWS_ROLE_SESSION_NAME: z.string().default('cryfold'),
  AWS_ENDPOINT_URL_STS: z.url({ protocol: /^https?$/ }).optional(),
  CUDA_VISIBLE_DEVICES: z.string().optional(),
  CRYFOLD_CHILD_MEMORY_MB: z.coerce.number().min(256).optional(),
  CRYFOLD_METRICS_PORT: z.coerce.number().int().min(0).max(65_535).optional(),
  CRYFOLD_METRICS_HOST: z.string().optional(),
  OTEL_EXPORTER_OTLP_ENDPOINT: z.url({ protocol: /^https?$/ }).optional(),
  CRYFOLD_SERVER: z.url({ protocol: /^https?$/ }).optional(),
  CRYFOLD_API_TOKEN: z.string().optional(),
  CRYFOLD_API_TOKEN_FILE: z.string().optional(),
  CRYFOLD_API_PORT: z.coerce.number().int().min(0).max(65535).optional(),
  CRYFOLD_API_HOST: z.string().default('127.0.0.1'),
  CRYFOLD_API_TOKENS: z.string().optional(),
  CRYFOLD_API_TOKENS_FILE: z.string().optional(),
  CRYFOLD_SERVE_TOKENS: z.string().optional(),
  CRYFOLD_SERVE_TOKENS_FILE: z.string().optional(),
  CRYFOLD_API_RATE: z.coerce.number().int().min(1).default(6000),
});

interface S3Place {
  /** Absent: Amazon's */
  endpoint: string | undefined;
  region: string;
  addressing: 'path' | 'host';
  /** PEM */
  certificates: string | undefined;
}

/** How to reach the server of an `s3:` store, and with which keys or role. Holds secrets. */
export type S3Config = S3Place &
  (
    | { accessKey: Secret; secretKey: Secret; sessionToken: Secret | undefined }
    | { webIdentity: { tokenFile: string; roleArn: string; sessionName: string; endpoint: string } }
  );

/** The HTTP API of a coordinator, which listens on loopback alone where there are no tokens. Holds secrets. */
export interface ApiConfig extends Tokens {
  /** 0: any free one */
  port: number;
  host: string;
  /** Requests a minute that one client may make */
  rate: number;
}

/**
 * Where runs and models are: a folder or bucket and processes of this machine, a cluster whose Redis and store are at
 * hand, or a server whose API commands go through. Holds secrets.
 */
export type Target =
  | Readonly<{
      kind: 'local';
      /** Absent: a folder of the command's own */
      storeUrl: string | undefined;
    }>
  | Readonly<{
      kind: 'cluster';
      redisUrl: string;
      /** Absent: commands that need the cluster's workers are refused; others use a folder of their own */
      storeUrl: string | undefined;
    }>
  | Readonly<{ kind: 'server'; url: string; token: Secret | undefined }>;

export interface Config {
  target: Target;
  /** Absent where no credentials are given. */
  s3: Readonly<S3Config> | undefined;
  /** Where built and downloaded things are kept between checkouts. */
  cacheDir: string;
  logLevel: string;
  /** The one run that a coordinator drives; absent: all of the store's. Set by cryfold run for its own. */
  onlyRun: string | undefined;
  /** Whether cryfold run started this service for its own run. */
  local: boolean;
  /** The container image that this is, which holds what its services need and no more; absent: a checkout. */
  image: 'control' | 'cpu-worker' | 'gpu-worker' | undefined;
  /** How long a starting service waits for a Redis or a store that is away, seconds. */
  startSeconds: number;
  /** How long a stopping worker lets its fold go on, seconds. */
  graceSeconds: number;
  /** What one training or predicting process may use, MiB; by default nearly all that the machine or cgroup has. */
  childMemoryMb: number;
  /** The GPUs that may be used, as CUDA names them (index or UUID). Absent: all there are. */
  visibleGpus: readonly string[] | undefined;
  /** Where a service answers /metrics, /healthz and /readyz; absent: nowhere. */
  metricsPort: number | undefined;
  /** Absent: all interfaces. */
  metricsHost: string | undefined;
  /** OTLP/HTTP collector of traces; absent: nothing is traced. */
  otlpEndpoint: string | undefined;
  /** Absent: no API is served. */
  api: Readonly<ApiConfig> | undefined;
  /** Who may ask a prediction service. */
  serve: Readonly<Tokens>;
}

/**
 * A value, or the file that `NAME_FILE` names, as secrets are mounted into containers. An empty file counts, since it may be
 * being written.
 * @throws CryfoldError USAGE where the file cannot be read now
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
 * The address. Where it names no password, a mounted one is read from its file at each connection: FreshRedis of `queue`
 * takes the parameter.
 */
function redisUrl({ REDIS_URL, REDIS_PASSWORD_FILE }: z.infer<typeof schema>): string | undefined {
  if (!REDIS_URL || !REDIS_PASSWORD_FILE) return REDIS_URL;
  // Read here too, so that a wrong name is reported at once.
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
    // Amazon wants names of hosts; servers of one's own seldom have a DNS name per bucket.
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

/** A role in place of keys, in the variables of the AWS SDKs. @throws CryfoldError USAGE */
function webIdentity(env: z.infer<typeof schema>) {
  const { AWS_WEB_IDENTITY_TOKEN_FILE: tokenFile, AWS_ROLE_ARN: roleArn, AWS_REGION: region } = env;
  if (!tokenFile || !roleArn) return undefined;
  readNamedFile('AWS_WEB_IDENTITY_TOKEN_FILE', tokenFile);
  const { CRYFOLD_S3_ENDPOINT: s3, AWS_ENDPOINT_URL_STS: sts } = env;
  if (sts === undefined && s3 !== undefined && !/\.amazonaws\.com(\.cn)?$/.test(new URL(s3).hostname)) {
    // The token would go to Amazon, which has nothing to do with that server.
    throw new CryfoldError(
      'USAGE',
      'AWS_WEB_IDENTITY_TOKEN_FILE needs AWS_ENDPOINT_URL_STS for an S3 server of your own',
      {
        context: { variable: 'AWS_ENDPOINT_URL_STS' },
        hint: 'Give the address of its STS; of MinIO that is CRYFOLD_S3_ENDPOINT.',
      },
    );
  }
  const amazon = `https://sts.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;
  return { webIdentity: { tokenFile, roleArn, sessionName: env.AWS_ROLE_SESSION_NAME, endpoint: sts ?? amazon } };
}

/** What goes into a header. A server's own list of tokens is easily taken for it. @throws CryfoldError USAGE */
function clientToken(env: z.infer<typeof schema>): Secret | undefined {
  const secret = secretOf(env, 'CRYFOLD_API_TOKEN');
  const token = secret && readSecret(secret);
  if (token === undefined || (/^[\x21-\x7e]+$/.test(token) && !/^(read|operate):/.test(token))) return secret;
  const variable = env.CRYFOLD_API_TOKEN === undefined ? 'CRYFOLD_API_TOKEN_FILE' : 'CRYFOLD_API_TOKEN';
  throw new CryfoldError('USAGE', `environment variable ${variable}: this is not one token`, {
    context: { variable },
    hint: 'Of a server’s line operate:TOKEN give what comes after the colon, and only one.',
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

/** Tokens of a server. A file without any is refused: the server would be open to everyone who reaches its port. */
function tokensOf(env: z.infer<typeof schema>, name: 'CRYFOLD_API_TOKENS' | 'CRYFOLD_SERVE_TOKENS'): Tokens {
  const secret = secretOf(env, name);
  const tokens = parseApiTokens(secret ? readSecret(secret) : '', name);
  if (typeof secret === 'object' && tokens.length === 0) {
    throw new CryfoldError('USAGE', `environment variable ${secret.variable}: ${secret.file} holds no token`, {
      context: { variable: secret.variable },
      hint: 'Write lines read:TOKEN and operate:TOKEN into it, or unset the variable for a server without tokens.',
    });
  }
  return { tokens, tokensFile: typeof secret === 'object' ? secret.file : undefined };
}

/** @throws CryfoldError USAGE where neither HOME nor the system's list of users names a folder */
function home({ HOME }: NodeJS.ProcessEnv): string {
  if (HOME) return HOME;
  try {
    // Unlike os.homedir(), it does not take an empty HOME for an answer.
    return userInfo().homedir;
  } catch (cause) {
    throw new CryfoldError('USAGE', 'HOME is not set, and this user has no home folder', {
      cause,
      context: { variable: 'HOME' },
      hint: 'Set HOME, or CRYFOLD_CACHE to a folder where built and downloaded things are kept.',
    });
  }
}

/**
 * The configuration from the environment, parsed once and frozen; nothing else reads process.env.
 * @throws CryfoldError USAGE naming the variable
 */
export function loadConfig(environment: NodeJS.ProcessEnv = process.env): Readonly<Config> {
  // An empty variable is how many tools say "unset".
  const set = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const parsed = schema.safeParse(set);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const variable = issue.path.join('.');
    throw new CryfoldError('USAGE', `environment variable ${variable}: ${issue.message}`, {
      context: { variable },
      ...(variable === 'CRYFOLD_SERVER' ? { hint: 'Give the address of a coordinator’s API: http://HOST:PORT.' } : {}),
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
    serve: Object.freeze(tokensOf(env, 'CRYFOLD_SERVE_TOKENS')),
  });
}
