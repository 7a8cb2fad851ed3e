import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunPlan } from '@cryfold/plan';
import { checkRedis } from '@cryfold/queue';
import { loadConfig } from '@cryfold/runtime';
import { LocalCluster, type LocalClusterOptions } from '../src/local-cluster.js';

const folder = await mkdtemp(join(tmpdir(), 'cryfold-cluster-'));
after(() => rm(folder, { recursive: true, force: true }));
// Folder for the sockets of keepers, not shared with other tests.
const sockets = join(folder, 'sockets');
await mkdir(sockets);
process.env.TMPDIR = sockets;

/** The parts of a plan that the cluster reads. */
const plan = { run: 'birds-1', spec: { estimators: { svm: { kind: 'svm' } } } } as unknown as RunPlan;

/** A service that logs its arguments and environment variables, and then waits. */
const SERVICE = `
  const { REDIS_URL, CRYFOLD_STORE, CRYFOLD_ONLY_RUN, CRYFOLD_LOCAL, CRYFOLD_API_PORT = '' } = process.env;
  console.log([process.argv.slice(2), CRYFOLD_STORE, CRYFOLD_ONLY_RUN, CRYFOLD_LOCAL, CRYFOLD_API_PORT].join(' '));
  if (!REDIS_URL) process.exit(1);
  process.once('SIGTERM', () => process.exit(0));
  process.once('disconnect', () => process.exit(0));
`;

async function options(name: string, service: string): Promise<LocalClusterOptions> {
  const out = join(folder, name);
  await mkdir(out);
  const program = join(out, 'service.mjs');
  await writeFile(program, service);
  return {
    ...{ program, plan, workers: 2, storeUrl: 'file:/store', logDir: join(out, 'logs'), environment: process.env },
    ...{ cacheDir: loadConfig().cacheDir, say: () => {} },
  };
}

async function until(look: () => boolean): Promise<void> {
  for (const end = Date.now() + 20_000; !look(); await sleep(20)) assert.ok(Date.now() < end, 'waited too long');
}

test('starts the services of a script for one run, and leaves nothing behind when stopped', async () => {
  const given = await options('started', SERVICE);
  const cluster = await LocalCluster.start({ ...given, page: { port: 4321, token: 'a-token-of-sixteen' } });
  const log = (name: string) => join(given.logDir, `${name}.log`);
  const written = (name: string) => existsSync(log(name)) && readFileSync(log(name), 'utf8') !== '';
  const names = ['coordinator', 'aggregator', 'worker-0', 'worker-1'];
  try {
    assert.match(await checkRedis(cluster.redisUrl), /\d/);
    await until(() => names.every(written));
  } finally {
    await cluster.stop();
  }
  assert.equal(existsSync(dirname(cluster.redisUrl)), false, 'the folder of the socket');
  assert.deepEqual((await readdir(join(folder, 'started'))).sort(), ['logs', 'service.mjs'], 'the lock is released');
  const logs = await Promise.all(names.map((name) => readFile(log(name), 'utf8')));
  assert.deepEqual(logs, [
    'coordinator file:/store birds-1 1 4321\n',
    'aggregator file:/store birds-1 1 \n',
    'worker,--queues,cpu file:/store birds-1 1 \n',
    'worker,--queues,cpu file:/store birds-1 1 \n',
  ]);
});

test('fails and points to the log if a service keeps exiting', async () => {
  const given = await options('broken', `${SERVICE} if (process.argv[2] === 'aggregator') process.exit(9);`);
  const cluster = await LocalCluster.start(given);
  try {
    await assert.rejects(cluster.broken, {
      code: 'PROCESS_DIED',
      message: 'aggregator exited 5 times within a minute (code 9)',
      hint: `See the log of this process: ${join(given.logDir, 'aggregator.log')}`,
    });
  } finally {
    await cluster.stop();
  }
});

test('refuses a folder that another cluster uses, before starting Redis', async () => {
  const given = await options('shared', SERVICE);
  const cluster = await LocalCluster.start(given);
  try {
    const before = await readdir(sockets);
    await assert.rejects(LocalCluster.start(given), { code: 'OUT_IN_USE' });
    assert.deepEqual(await readdir(sockets), before);
  } finally {
    await cluster.stop();
  }
});

test('starts nothing without Redis, and suggests how to install it', async () => {
  const given = await options('without', SERVICE);
  const found = LocalCluster.start({ ...given, environment: { PATH: folder }, cacheDir: folder });
  await assert.rejects(found, { code: 'REDIS_MISSING' });
  assert.equal(existsSync(given.logDir), false);
});
