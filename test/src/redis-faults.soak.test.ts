import assert from 'node:assert/strict';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { synthesizeCorpus } from '@cryfold/corpus';
import { TcpProxy } from '@cryfold/testing';
import { type Command, start, temporaryFolder, until } from './command.js';
import { RedisServer } from './redis-server.js';
import { withoutRedis } from './testbed.js';

/**
 * Tests faults in which Redis returns errors instead of disappearing. Each fault occurs during a run. Services must not
 * flood their logs, and must soon commit folds again.
 */

const skip = withoutRedis;
/** How long a fault lasts, in milliseconds: long enough for a busy loop to log tens of thousands of lines. */
const FAULT_MS = 2000;
/** Maximum number of lines at level warn or above that a service may log during a fault and the recovery from it. */
const LINES = 25;
/** Maximum total size of these lines in bytes. */
const BYTES = 50_000;
/** Number of folds that must be committed after a fault for the cluster to count as recovered. */
const FOLDS = 3;
/**
 * Time limit in seconds for recovering on a busy machine. It must exceed 11 s, after which an expired lock is noticed.
 */
const RECOVERY_SECONDS = 20;

/** A run with more folds than a worker can train in a minute, although each fold only takes a fraction of a second. */
const SPEC = `
version: 1
name: many
protocol: { folds: 2, repeats: 2000 }
estimators:
  small-cnn: { kind: small-cnn, epochs: 1, learningRate: 1e-3, filters: [4, 8, 8], dense: [16] }
`;

const FLAGS = [
  ...['--enable-debug-command', 'local', '--enable-protected-configs', 'local'],
  ...['--user', 'cryfold', 'on', '>old', '~*', '&*', '+@all'],
];

const SERVICES = [['coordinator'], ['aggregator'], ['worker', '--queues', 'gpu']];

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let redis: RedisServer;
let proxy: TcpProxy;
let services: Command[] = [];
let following: Command;
const path = (...parts: string[]) => join(folder.path, ...parts);

before(async () => {
  if (skip) return;
  folder = await temporaryFolder();
  redis = await RedisServer.start(folder.path, ...FLAGS);
  proxy = await TcpProxy.start(redis.port);
  await synthesizeCorpus(path('corpus'), { clips: 60, seed: 1 });
  const environment = {
    REDIS_URL: `redis://cryfold:old@127.0.0.1:${proxy.port}`,
    CRYFOLD_STORE: `file:${path('store')}`,
    CRYFOLD_GRACE_SECONDS: '0',
  };
  services = SERVICES.map((args) => start(args, environment));
  await writeFile(path('many.yaml'), SPEC);
  following = start(['run', path('many.yaml'), '--data', path('corpus')], environment);
  await until('a fold', async () => {
    assert.equal(following.process.exitCode, null, following.stderr());
    return (await committed()) >= FOLDS;
  });
});
after(async () => {
  const all = [...services, ...(following ? [following] : [])];
  for (const { process } of all) process.kill('SIGKILL');
  await Promise.all(all.map(({ ended }) => ended));
  await proxy?.stop();
  await redis?.stop();
  await folder?.remove();
});

const committed = async () => (await readdir(path('store', 'folds')).catch(() => [])).length;

/** Returns the lines of a log at level warn or above. */
const complaints = (text: string) =>
  text
    .split('\n')
    .filter((line) => !line.startsWith('{') || /"level":[4-9]\d/.test(line))
    .filter(Boolean);

/** Causes a fault, then checks that folds are committed again and that no service has flooded its log. */
async function survives(strike: () => Promise<void>, said: RegExp | undefined, t: { diagnostic(text: string): void }) {
  const lengths = services.map((service) => service.stdout().length);
  await strike();
  const healed = Date.now();
  const before = await committed();
  await until('folds after the fault', async () => (await committed()) >= before + FOLDS, RECOVERY_SECONDS).catch(
    (error) => {
      for (const [i, service] of services.entries())
        t.diagnostic(`${SERVICES[i][0]}: ${service.stdout().slice(lengths[i]).slice(0, 2000)}`);
      throw error;
    },
  );
  const seconds = (Date.now() - healed) / 1000;
  const logs = services.map((service, i) => complaints(service.stdout().slice(lengths[i])));
  t.diagnostic(
    `${FOLDS} folds after ${seconds.toFixed(1)} s; ${logs.map((lines, i) => `${SERVICES[i][0]} ${lines.length} lines, ${lines.join('').length} B`).join('; ')}`,
  );
  for (const [i, lines] of logs.entries()) {
    assert.ok(
      lines.length <= LINES && lines.join('\n').length <= BYTES,
      `${SERVICES[i][0]}: ${lines.length} lines, ${lines.slice(0, 5).join('\n')}`,
    );
    assert.equal(services[i].process.exitCode, null, `${SERVICES[i][0]} exited: ${services[i].stderr()}`);
  }
  assert.equal(following.process.exitCode, null, `the follower exited: ${following.stderr()}`);
  if (said) assert.match(logs.flat().join('\n'), said, 'a service reports the problem');
}

test('survives a failover that leaves connections open', { skip }, async (t) => {
  const next = await RedisServer.start(folder.path, ...FLAGS);
  await next.ask('REPLICAOF', '127.0.0.1', `${redis.port}`);
  await until('the replica', async () => (await next.ask('INFO', 'replication')).includes('master_link_status:up'));
  const old = redis;
  await survives(
    async () => {
      await next.ask('REPLICAOF', 'NO', 'ONE');
      await old.ask('REPLICAOF', '127.0.0.1', `${next.port}`);
      // Wait as long as it realistically takes until a DNS update arrives.
      await sleep(FAULT_MS);
      proxy.retarget(next.port);
    },
    /READONLY/,
    t,
  );
  redis = next;
  await old.stop();
});

test('survives a Redis whose memory is full', { skip }, (t) =>
  survives(
    async () => {
      await redis.ask('CONFIG', 'SET', 'maxmemory', '1');
      await sleep(FAULT_MS);
      await redis.ask('CONFIG', 'SET', 'maxmemory', '0');
    },
    /OOM/,
    t,
  ),
);

test('survives a Redis that repeatedly closes all connections', { skip }, (t) =>
  survives(
    async () => {
      for (let i = 0; i < 10; i++) {
        await redis.ask('CLIENT', 'KILL', 'TYPE', 'normal').catch(() => {});
        await sleep(FAULT_MS / 10);
      }
    },
    undefined,
    t,
  ),
);

test('survives a Redis that is loading data after a restart', { skip }, (t) =>
  survives(
    async () => {
      await redis.ask('DEBUG', 'POPULATE', '4000', 'filler', '100');
      await redis.ask('SAVE');
      await redis.stop();
      redis.spawn('--key-load-delay', '500', '--loading-process-events-interval-bytes', '1024');
      await redis.answers();
      assert.match(await redis.ask('GET', 'x'), /^-LOADING/);
      await until('the end of loading', async () => !(await redis.ask('GET', 'x')).startsWith('-LOADING'));
    },
    undefined,
    t,
  ),
);

test('survives a temporary change of the Redis password', { skip }, (t) =>
  survives(
    async () => {
      await redis.ask('ACL', 'SETUSER', 'cryfold', 'resetpass', '>new');
      await redis.ask('CLIENT', 'KILL', 'USER', 'cryfold');
      await sleep(FAULT_MS);
      await redis.ask('ACL', 'SETUSER', 'cryfold', '>old');
    },
    /WRONGPASS/,
    t,
  ),
);

test('survives a disk on which Redis cannot save', { skip }, (t) =>
  survives(
    async () => {
      const file = join(redis.folder, 'unwritable.rdb');
      await mkdir(file);
      await writeFile(join(file, 'x'), '');
      await redis.ask('CONFIG', 'SET', 'save', '3600 1');
      await redis.ask('CONFIG', 'SET', 'dbfilename', 'unwritable.rdb');
      await redis.ask('BGSAVE');
      await until('writes to be refused', async () => (await redis.ask('SET', 'x', '1')).startsWith('-MISCONF'));
      await sleep(FAULT_MS);
      await redis.ask('CONFIG', 'SET', 'save', '');
    },
    /MISCONF/,
    t,
  ),
);

test('survives an endless script in Redis', { skip }, (t) =>
  survives(
    async () => {
      await redis.ask('CONFIG', 'SET', 'busy-reply-threshold', '100');
      void redis.ask('EVAL', 'while true do end', '0').catch(() => {});
      await sleep(FAULT_MS);
      assert.match(await redis.ask('PING'), /^-BUSY/);
      await redis.ask('SCRIPT', 'KILL');
    },
    /BUSY/,
    t,
  ),
);
