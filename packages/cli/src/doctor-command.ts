import { access, constants, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { resolve } from 'node:path';
import { CryfoldError } from '@cryfold/core';
import { bfloat16Speed, findRedisServer } from '@cryfold/local-run';
import { tensorFlowInfo } from '@cryfold/nn';
import { inspectRedis } from '@cryfold/queue';
import { HttpClient, HttpStore } from '@cryfold/run-control';
import type { Config } from '@cryfold/runtime';
import { openStore } from '@cryfold/store';
import { EXIT } from './exit-codes.js';
import { requireStore } from './store-url.js';
import { jsonText, say } from './terminal.js';

interface Check {
  name: string;
  ok: boolean;
  found: string;
  /** Problems that do not prevent anything from working */
  warnings?: string[];
  /** How to fix a failed check */
  fix?: string;
}

type Found = string | { found: string; warnings: string[] };

/** Runs one check. If the check throws an error, the error's message and hint become the check's result and fix. */
async function check(name: string, run: () => Promise<Found>): Promise<Check> {
  try {
    const found = await run();
    return { name, ok: true, ...(typeof found === 'string' ? { found } : found) };
  } catch (error) {
    const { message, hint } = error as CryfoldError;
    return { name, ok: false, found: message, ...(hint ? { fix: hint } : {}) };
  }
}

async function checkNode(): Promise<string> {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 10)) return process.version;
  throw new CryfoldError('USAGE', `${process.version} is too old`, { hint: 'Install Node 20.10 or later.' });
}

async function checkRedis({ target, cacheDir }: Config, path: string): Promise<Found> {
  if (target.kind === 'server') return 'not needed: the server has one';
  if (target.kind === 'local') return `${await findRedisServer(path, cacheDir)}, started privately by cryfold run`;
  const { version, warnings } = await inspectRedis(target.redisUrl);
  return { found: `${version} at REDIS_URL`, warnings };
}

async function checkStoreAt(url: string, s3: Config['s3']): Promise<void> {
  const store = openStore(url, s3);
  await store.check().finally(() => store.close());
}

async function checkStore(config: Config): Promise<string> {
  requireStore(config);
  const { target, s3 } = config;
  if (target.kind === 'server') {
    const role = await new HttpStore(new HttpClient(target)).role();
    return `through the server; this token can ${role === 'read' ? 'only read' : 'operate'}`;
  }
  if (target.storeUrl !== undefined) {
    await checkStoreAt(target.storeUrl, s3);
    return 'writable, with atomic commits';
  }
  // The store's folder does not exist until the first run, so check the file system on which it will be created.
  const folder = await mkdtemp(resolve('.cryfold-doctor-')).catch((cause) => {
    throw new CryfoldError('STORE_UNREACHABLE', `cannot create the folder cryfold here: ${cause.message}`, {
      cause,
      hint: 'Change to a writable folder, or choose a store with --store.',
    });
  });
  await checkStoreAt(folder, s3).finally(() => rm(folder, { recursive: true, force: true }));
  return './cryfold, created by the first run';
}

async function checkCache({ cacheDir }: Config): Promise<string> {
  await mkdir(cacheDir, { recursive: true });
  await access(cacheDir, constants.W_OK);
  return cacheDir;
}

async function checkCpu(): Promise<string> {
  const memory = (totalmem() / 2 ** 30).toFixed(1);
  return `${cpus()[0]?.model.trim() ?? 'unknown'}, ${availableParallelism()} cores, ${memory} GiB memory`;
}

/** @param ratio speed of bfloat16 relative to float32 */
function describePrecision(ratio: number | undefined): string {
  if (ratio === undefined) return 'not measured: the machine is too busy';
  const times = `bfloat16 trains ${ratio.toFixed(2)} times as fast as float32 here`;
  return ratio >= 1 ? times : `${times}; keep precision: float32`;
}

/** Checks TensorFlow and the GPUs. Of the container images, only `gpu-worker` contains TensorFlow. */
function tensorFlowChecks({ image, cacheDir }: Config): Promise<Check>[] {
  if (image !== undefined && image !== 'gpu-worker') {
    const found = `not in the image ${image}: networks train in gpu-worker`;
    return ['TensorFlow', 'GPU', 'precision'].map(async (name) => ({ name, ok: true, found }));
  }
  const info = tensorFlowInfo();
  info.catch(() => {});
  return [
    check('TensorFlow', async () => {
      const { version, binding } = await info;
      return `${version}, binding ${binding}`;
    }),
    check('GPU', async () => {
      const { device } = await info;
      return device === 'GPU'
        ? 'used by TensorFlow'
        : 'none; networks train on the CPU (for GPU support: cryfold setup --variant cuda)';
    }),
    check('precision', async () => {
      await info;
      return describePrecision(await bfloat16Speed({ cacheDir }));
    }),
  ];
}

/**
 * `cryfold doctor`: checks everything that `cryfold run` or this container image needs. Exits with code 0 if everything
 * works, even if there are warnings, and with code 1 otherwise.
 */
export async function doctorCommand(
  options: { json: boolean },
  config: Config,
  environment: NodeJS.ProcessEnv,
): Promise<number> {
  const checks = await Promise.all([
    check('Node', checkNode),
    ...tensorFlowChecks(config),
    check('Redis', () => checkRedis(config, environment.PATH ?? '')),
    check('store', () => checkStore(config)),
    check('cache', () => checkCache(config)),
    check('CPU', checkCpu),
  ]);
  const ok = checks.every((one) => one.ok);
  if (options.json) say(`${jsonText({ ok, checks })}\n`);
  else {
    for (const { name, ok, found, warnings = [], fix } of checks) {
      say(`${ok ? 'ok  ' : 'FAIL'}  ${name.padEnd(10)}  ${found}\n`);
      for (const warning of warnings) say(`warn  ${name.padEnd(10)}  ${warning}\n`);
      if (fix) say(`                  ${fix}\n`);
    }
  }
  return ok ? EXIT.done : EXIT.failed;
}
