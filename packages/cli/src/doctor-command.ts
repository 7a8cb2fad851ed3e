import { access, constants, mkdir } from 'node:fs/promises';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { CryfoldError } from '@cryfold/core';
import { findRedisServer } from '@cryfold/local-run';
import { tensorFlowInfo } from '@cryfold/nn';
import { checkRedis } from '@cryfold/queue';
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
  mend?: string;
}

/** Runs one check; an error's message and hint become what was found and how to mend it. */
async function check(name: string, look: () => Promise<string>): Promise<Check> {
  try {
    return { name, ok: true, found: await look() };
  } catch (error) {
    const { message, hint } = error as CryfoldError;
    return { name, ok: false, found: message, ...(hint ? { mend: hint } : {}) };
  }
}

/** What was found of TensorFlow and GPUs, which an image without them leaves to `gpu-worker`. */
function tensorFlowChecks({ image }: Config): Promise<Check>[] {
  if (image !== undefined && image !== 'gpu-worker') {
    const found = `not in the image ${image}: networks train in gpu-worker`;
    return ['TensorFlow', 'GPU'].map(async (name) => ({ name, ok: true, found }));
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
        : 'none; networks train on the CPU (scripts/build-tensorflow --variant cuda)';
    }),
  ];
}

/** `cryfold doctor`: 0 when everything is there that `cryfold run`, or this container image, needs; else 1. */
export async function doctorCommand(
  options: { json: boolean },
  config: Config,
  environment: NodeJS.ProcessEnv,
): Promise<number> {
  const { target } = config;
  const checks = await Promise.all([
    check('Node', async () => {
      const [major, minor] = process.versions.node.split('.').map(Number);
      if (major > 20 || (major === 20 && minor >= 10)) return process.version;
      throw new CryfoldError('USAGE', `${process.version} is too old`, { hint: 'Install Node 20.10 or later.' });
    }),
    ...tensorFlowChecks(config),
    check('Redis', async () => {
      if (target.kind === 'cluster') return `${await checkRedis(target.redisUrl)} at REDIS_URL`;
      if (target.kind === 'server') return 'not needed: the server has one';
      return `${await findRedisServer(environment.PATH ?? '', config.cacheDir)}, started privately by cryfold run`;
    }),
    check('store', async () => {
      requireStore(config);
      if (target.kind === 'server') {
        const role = await new HttpStore(new HttpClient(target)).role();
        return `through the server; this token may ${role === 'read' ? 'only look' : 'operate'}`;
      }
      if (target.storeUrl === undefined) return 'the folder cryfold here, made by the first run';
      const store = openStore(target.storeUrl, config.s3);
      await store.check().finally(() => store.close());
      return 'writable, and commits once';
    }),
    check('cache', async () => {
      await mkdir(config.cacheDir, { recursive: true });
      await access(config.cacheDir, constants.W_OK);
      return config.cacheDir;
    }),
    check('CPU', async () => {
      const memory = (totalmem() / 2 ** 30).toFixed(1);
      return `${cpus()[0]?.model.trim() ?? 'unknown'}, ${availableParallelism()} cores, ${memory} GiB memory`;
    }),
  ]);
  const ok = checks.every((one) => one.ok);
  if (options.json) say(`${jsonText({ ok, checks })}\n`);
  else {
    for (const { name, ok, found, mend } of checks) {
      say(`${ok ? 'ok  ' : 'FAIL'}  ${name.padEnd(10)}  ${found}\n`);
      if (mend) say(`                  ${mend}\n`);
    }
  }
  return ok ? EXIT.done : EXIT.failed;
}
