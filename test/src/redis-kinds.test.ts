import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { CryfoldError, sha256 } from '@cryfold/core';
import { synthesizeCorpus } from '@cryfold/corpus';
import { Consumer, checkRedis, Queues, workPayload } from '@cryfold/queue';
import { cryfold, start, temporaryFolder, until } from './command.js';
import { RedisServer } from './redis-server.js';
import { withoutRedis } from './testbed.js';

/** Tests queues on Redis behind Sentinels, on a Redis Cluster, and with a missing or wrong password. */

const skip = withoutRedis;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const servers: RedisServer[] = [];

before(async () => {
  folder = await temporaryFolder();
});
after(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  await folder.remove();
});

async function server(...flags: string[]): Promise<RedisServer> {
  const started = await RedisServer.start(folder.path, ...flags);
  servers.push(started);
  return started;
}

const fold = (name: string) => ({
  id: sha256(name),
  payload: { format: 1, kind: 'fold', run: 'r', key: sha256(name) } as const,
});

/** Opens the queues at a URL, with a consumer that records the jobs it receives. */
function use(url: string) {
  const done = new Set<string>();
  const errors: string[] = [];
  const queues = new Queues(url);
  const consumer = new Consumer({
    ...{ url, queue: 'gpu', schema: workPayload, concurrency: 2, maxStalledCount: 1 },
    onError: ({ message }) => errors.push(message),
    handle: async (payload, attempt) => {
      await attempt.count('duplicates');
      if (payload.kind === 'fold') done.add(payload.key);
    },
  });
  /** Adds a job, retrying while Redis is unreachable, and waits until the job is done. */
  const doOne = async (name: string) => {
    const job = fold(name);
    await until(
      `${name}: ${errors.slice(-3).join('; ')}`,
      async () => {
        await queues.add('gpu', [job]).catch(() => {});
        return done.has(job.id);
      },
      30,
    );
  };
  const close = async () => {
    await consumer.close(true);
    await queues.close();
  };
  return { queues, consumer, errors, doOne, close };
}

test('finds the primary through Sentinels, even after a failover', { skip }, async (t) => {
  const flags = ['--requirepass', 'p@ss', '--masterauth', 'p@ss'];
  const primary = await server(...flags);
  await server(...flags, '--replicaof', `127.0.0.1 ${primary.port}`);
  const sentinels = [await server('--sentinel'), await server('--sentinel')];
  const monitored = ['SENTINEL', 'MONITOR', 'main', '127.0.0.1', `${primary.port}`, '1'];
  for (const sentinel of sentinels) {
    assert.equal(await sentinel.ask(...monitored), '+OK');
    for (const [name, value] of Object.entries({
      'auth-pass': 'p@ss',
      'down-after-milliseconds': '500',
      'failover-timeout': '2000',
    }))
      await sentinel.ask('SENTINEL', 'SET', 'main', name, value);
  }
  const url = `redis+sentinel://:p%40ss@127.0.0.1:1,${sentinels.map(({ port }) => `127.0.0.1:${port}`).join()}/main`;
  await checkRedis(url);
  await assert.rejects(
    checkRedis(url.replace('/main', '/other')),
    (error) => (error as CryfoldError).code === 'REDIS_UNREACHABLE',
  );
  const { doOne, consumer, close } = use(url);
  try {
    await doOne('before');
    await until('the replica to be known', async () =>
      /num-slaves\r\n\$1\r\n1/.test(await sentinels[0].ask('SENTINEL', 'MASTER', 'main')),
    );
    t.diagnostic(await outlive(primary, doOne));
    await consumer.check();
  } finally {
    await close();
  }
});

/** Stops a primary, and runs a job without it. @returns how long that took, as text */
async function outlive(primary: RedisServer, doOne: (id: string) => Promise<void>): Promise<string> {
  await primary.stop();
  const stopped = Date.now();
  await doOne('after');
  return `a job was done ${((Date.now() - stopped) / 1000).toFixed(1)} s after its primary died`;
}

/** Starts a Redis Cluster with three primaries, and a replica of the primary that has cryfold's keys. */
async function redisCluster(): Promise<RedisServer[]> {
  const flags = [
    '--cluster-enabled',
    'yes',
    '--cluster-node-timeout',
    '1000',
    '--cluster-replica-validity-factor',
    '0',
  ];
  const nodes = await Promise.all([0, 1, 2, 3].map(() => server(...flags)));
  for (const [i, range] of [
    ['0', '5460'],
    ['5461', '10922'],
    ['10923', '16383'],
  ].entries())
    assert.equal(await nodes[i].ask('CLUSTER', 'ADDSLOTSRANGE', ...range), '+OK');
  for (const { port } of nodes.slice(1)) await nodes[0].ask('CLUSTER', 'MEET', '127.0.0.1', `${port}`);
  const [, slot] = /^:(\d+)/.exec(await nodes[0].ask('CLUSTER', 'KEYSLOT', '{cryfold}')) ?? [];
  const owner = Math.min(2, Math.floor(Number(slot) / 5461));
  const [, id] = /([0-9a-f]{40})/.exec(await nodes[owner].ask('CLUSTER', 'MYID')) ?? [];
  await until('the replica', async () => (await nodes[3].ask('CLUSTER', 'REPLICATE', id)) === '+OK');
  for (const node of nodes)
    await until('the cluster', async () => (await node.ask('CLUSTER', 'INFO')).includes('cluster_state:ok'));
  await until('replication', async () => (await nodes[3].ask('INFO', 'replication')).includes('master_link_status:up'));
  return [nodes[owner], ...nodes.filter((_, i) => i !== owner)];
}

test('completes jobs and a run on a Redis Cluster after one of its primaries has died', { skip }, async (t) => {
  const nodes = await redisCluster();
  const [owner] = nodes;
  await assert.rejects(checkRedis(`redis://127.0.0.1:${owner.port}`), (error) => {
    assert.ok(error instanceof CryfoldError);
    assert.equal(error.code, 'REDIS_UNSAFE');
    return /redis\+cluster:/.test(error.hint ?? '');
  });
  const url = `redis+cluster://${nodes.map(({ port }) => `127.0.0.1:${port}`).join()}`;
  await checkRedis(url);
  const { doOne, consumer, errors, close } = use(url);
  try {
    await doOne('before');
    t.diagnostic(await outlive(owner, doOne));
    await consumer.check();
  } finally {
    await close();
  }
  const environment = {
    REDIS_URL: url,
    CRYFOLD_STORE: `file:${join(folder.path, 'store')}`,
    CRYFOLD_GRACE_SECONDS: '0',
  };
  const services = [['coordinator'], ['aggregator'], ['worker', '--queues', 'cpu']].map((args) =>
    start(args, environment),
  );
  try {
    const corpus = join(folder.path, 'corpus');
    await synthesizeCorpus(corpus, { clips: 60, seed: 1 });
    const ran = await cryfold(
      ['run', '--data', corpus, '--estimators', 'svm', '--folds', '3', '--repeats', '2'],
      environment,
    );
    assert.equal(ran.code, 0, ran.stderr);
  } finally {
    for (const { process } of services) process.kill('SIGTERM');
    for (const { ended } of services) assert.equal((await ended).code, 0);
  }
  assert.doesNotMatch([...errors, ...services.map(({ stdout }) => stdout())].join('\n'), /CROSSSLOT/);
});

test('refuses a Redis Cluster whose nodes announce no address within the time limit', { skip }, async () => {
  // A node of a cluster learns its own address from the other nodes, but this cluster consists of a single node.
  const node = await server('--cluster-enabled', 'yes');
  assert.equal(await node.ask('CLUSTER', 'ADDSLOTSRANGE', '0', '16383'), '+OK');
  await until('the cluster', async () => (await node.ask('CLUSTER', 'INFO')).includes('cluster_state:ok'));
  await assert.rejects(
    checkRedis(`redis+cluster://127.0.0.1:${node.port}`, 1000),
    (error) => (error as CryfoldError).code === 'REDIS_UNREACHABLE',
  );
});

test('reports a missing or wrong password without flooding the log', { skip }, async () => {
  const locked = await server();
  const { errors, doOne, close } = use(`redis://127.0.0.1:${locked.port}`);
  try {
    await doOne('before');
    await locked.ask('CONFIG', 'SET', 'requirepass', 'new');
    await locked.stop();
    locked.spawn('--requirepass', 'new');
    await until('the reason', () => errors.some((message) => message.startsWith('NOAUTH')));
    for (const [user, code] of [
      ['', 'NOAUTH'],
      [':wrong@', 'WRONGPASS'],
    ]) {
      await assert.rejects(checkRedis(`redis://${user}127.0.0.1:${locked.port}`), (error) => {
        assert.ok(error instanceof CryfoldError);
        return (
          error.message.includes(code) &&
          /REDIS_PASSWORD_FILE/.test(error.hint ?? '') &&
          !error.message.includes('wrong@')
        );
      });
    }
  } finally {
    await close();
  }
});
