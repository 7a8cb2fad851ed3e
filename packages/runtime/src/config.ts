import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { CryfoldError, decodeText, EncodingError, withRedisPassword } from '@cryfold/core';
import { z } from 'zod';
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
  CRYFOLD_START_TIMEOUT: z.coerce.number().min(0).max(86_400).default(60),
  CRYFOLD_GRACE_SECONDS: z.coerce.number().min(0).default(25),
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
  CRYFOLD_API_RATE: z.coerce.number().int().min(1).default(6000),
});

/** How to reach the server of an `s3:` store. Holds secrets. */
export interface S3Config {
  /** Absent: Amazon's */
  endpoint: string | undefined;
  region: string;
  addressing: 'path' | 'host';
  accessKey: string;
  secretKey: string;
  sessionToken: string | undefined;
  /** PEM */
  certificates: string | undefined;
}

/** `read` looks; `operate` also starts, cancels and retries. */
export type ApiRole = 'read' | 'operate';

/** The HTTP API of a coordinator. Holds secrets. */
export interface ApiConfig {
  /** 0: any free one */
  port: number;
  host: string;
  /** Empty: whoever reaches the port may do everything, so that only loopback is listened on */
  tokens: readonly Readonly<{ role: ApiRole; token: string }>[];
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
  | Readonly<{ kind: 'server'; url: string; token: string | undefined }>;

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
}

/** A value, or the content of the file that `NAME_FILE` names, as secrets are mounted into containers. */
function secretOf(
  env: z.infer<typeof schema>,
  name:
    | 'AWS_ACCESS_KEY_ID'
    | 'AWS_SECRET_ACCESS_KEY'
    | 'AWS_SESSION_TOKEN'
    | 'CRYFOLD_API_TOKEN'
    | 'CRYFOLD_API_TOKENS',
) {
  const file = env[`${name}_FILE`];
  return env[name] ?? (file === undefined ? undefined : readNamed(`${name}_FILE`, file).trim());
}

function readNamed(variable: string, file: string): string {
  try {
    return decodeText(readFileSync(file));
  } catch (cause) {
    // Messages about encodings show the text, which is a secret.
    const encoding = cause instanceof EncodingError;
    const why = encoding ? `line ${cause.line} of ${file} is not UTF-8` : (cause as Error).message;
    throw new CryfoldError('USAGE', `environment variable ${variable}: ${why}`, {
      ...(encoding ? {} : { cause }),
      context: { variable },
      hint: encoding ? cause.hint(file) : 'It names a file that is mounted or readable here.',
    });
  }
}

/** The address, with the mounted password put in where it names none. */
function redisUrl({ REDIS_URL, REDIS_PASSWORD_FILE }: z.infer<typeof schema>): string | undefined {
  if (!REDIS_URL || !REDIS_PASSWORD_FILE) return REDIS_URL;
  return withRedisPassword(REDIS_URL, readNamed('REDIS_PASSWORD_FILE', REDIS_PASSWORD_FILE).trim());
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
  const accessKey = secretOf(env, 'AWS_ACCESS_KEY_ID');
  const secretKey = secretOf(env, 'AWS_SECRET_ACCESS_KEY');
  if (!accessKey || !secretKey) return undefined;
  return Object.freeze({
    endpoint: env.CRYFOLD_S3_ENDPOINT,
    region: env.AWS_REGION,
    // Amazon wants names of hosts; servers of one's own seldom have a DNS name per bucket.
    addressing: env.CRYFOLD_S3_ADDRESSING ?? (env.CRYFOLD_S3_ENDPOINT === undefined ? 'host' : 'path'),
    accessKey,
    secretKey,
    sessionToken: secretOf(env, 'AWS_SESSION_TOKEN'),
    certificates: env.CRYFOLD_S3_CA_FILE && readNamed('CRYFOLD_S3_CA_FILE', env.CRYFOLD_S3_CA_FILE),
  });
}

/** Characters that a token has at least: 24 of `openssl rand -base64 18`'s are 144 bits. */
const TOKEN_LENGTH = 16;

/** Lines (or a comma-separated list) of `read:TOKEN` and `operate:TOKEN`. @throws CryfoldError USAGE */
function apiTokens(text: string): ApiConfig['tokens'] {
  const lines = text.split(/[\n,]/).map((line) => line.trim());
  return lines.filter(Boolean).map((line, i) => {
    const [, role, token] = /^(read|operate):(\S+)$/.exec(line) ?? [];
    const why = !token
      ? 'is neither read:TOKEN nor operate:TOKEN'
      : token.length < TOKEN_LENGTH
        ? `has a token of less than ${TOKEN_LENGTH} characters`
        : undefined;
    if (why) {
      throw new CryfoldError('USAGE', `CRYFOLD_API_TOKENS: entry ${i + 1} ${why}`, {
        hint: 'Write a line operate:TOKEN; openssl rand -hex 24 makes a token.',
      });
    }
    return { role: role as ApiRole, token };
  });
}

/** What goes into a header. A server's own list of tokens is easily taken for it. @throws CryfoldError USAGE */
function clientToken(env: z.infer<typeof schema>): string | undefined {
  const token = secretOf(env, 'CRYFOLD_API_TOKEN');
  if (token === undefined || (/^[\x21-\x7e]+$/.test(token) && !/^(read|operate):/.test(token))) return token;
  const variable = env.CRYFOLD_API_TOKEN === undefined ? 'CRYFOLD_API_TOKEN_FILE' : 'CRYFOLD_API_TOKEN';
  throw new CryfoldError('USAGE', `environment variable ${variable}: this is not one token`, {
    context: { variable },
    hint: 'Of a server’s line operate:TOKEN give what comes after the colon, and only one.',
  });
}

function apiConfig(env: z.infer<typeof schema>): Readonly<ApiConfig> | undefined {
  if (env.CRYFOLD_API_PORT === undefined) return undefined;
  const tokens = apiTokens(secretOf(env, 'CRYFOLD_API_TOKENS') ?? '');
  return Object.freeze({ port: env.CRYFOLD_API_PORT, host: env.CRYFOLD_API_HOST, tokens, rate: env.CRYFOLD_API_RATE });
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
    startSeconds: env.CRYFOLD_START_TIMEOUT,
    graceSeconds: env.CRYFOLD_GRACE_SECONDS,
    childMemoryMb: env.CRYFOLD_CHILD_MEMORY_MB ?? defaultChildMemoryMb(),
    visibleGpus: env.CUDA_VISIBLE_DEVICES?.split(',').map((gpu) => gpu.trim()),
    metricsPort: env.CRYFOLD_METRICS_PORT,
    metricsHost: env.CRYFOLD_METRICS_HOST,
    otlpEndpoint: env.OTEL_EXPORTER_OTLP_ENDPOINT,
    api: apiConfig(env),
  });
}
