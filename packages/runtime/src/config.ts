import { homedir } from 'node:os';
import { join } from 'node:path';
import { CryfoldError } from '@cryfold/core';
import { z } from 'zod';

const schema = z.object({
  REDIS_URL: z.string().min(1).optional(),
  CRYFOLD_STORE: z.string().min(1).optional(),
  CRYFOLD_CACHE: z.string().min(1).optional(),
  XDG_CACHE_HOME: z.string().min(1).optional(),
  CRYFOLD_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
  CRYFOLD_GRACE_SECONDS: z.coerce.number().min(0).default(25),
  CRYFOLD_CHILD_MEMORY_MB: z.coerce.number().min(256).default(4096),
});

export interface Config {
  /** Absent: the embedded default. */
  redisUrl: string | undefined;
  /** Absent: a folder of the command's own. */
  storeUrl: string | undefined;
  /** Where built and downloaded things are kept between checkouts. */
  cacheDir: string;
  logLevel: string;
  /** How long a stopping worker lets its fold go on, seconds. */
  graceSeconds: number;
  /** A training child whose resident memory has grown past this is replaced after its fold, MiB. */
  childMemoryMb: number;
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
    throw new CryfoldError('USAGE', `environment variable ${issue.path.join('.')}: ${issue.message}`);
  }
  const env = parsed.data;
  return Object.freeze({
    redisUrl: env.REDIS_URL,
    storeUrl: env.CRYFOLD_STORE,
    cacheDir: env.CRYFOLD_CACHE ?? join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'cryfold'),
    logLevel: env.CRYFOLD_LOG_LEVEL,
    graceSeconds: env.CRYFOLD_GRACE_SECONDS,
    childMemoryMb: env.CRYFOLD_CHILD_MEMORY_MB,
  });
}
