import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { synthesizeCorpus } from '@cryfold/features';
import { Consumer, Queues, runPayload } from '@cryfold/queue';
import { TcpProxy } from '@cryfold/testing';
import { Cluster, findRedis } from './cluster.js';
import { cryfold, type LogLine, logLines, start, TINY_SPEC, temporaryFolder, until } from './command.js';

const redis = await findRedis();
const skip = redis === undefined && 'neither redis-server nor valkey-server is on PATH or in the cache';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let cluster: Cluster;
let environment: Record<string, string>;
const path = (name: string) => join(folder.path, name);

before(async () => {
  if (!redis) return;
  folder = await temporaryFolder();
  // Folds of some seconds, so that a worker is surely in the middle of one.
  await writeFile(path('slow.yaml'), TINY_SPEC.replace('epochs: 2', 'epochs: 120').replace('folds: 3', 'folds: 2'));
  await synthesizeCorpus(path('corpus'), { clips: 60, seed: 1 });
  cluster = await Cluster.start(folder.path, redis);
  environment = {
    REDIS_URL: `redis://127.0.0.1:${cluster.redisPort}`,
    CRYFOLD_STORE: `file:${path('store')}`,
    CRYFOLD_GRACE_SECONDS: '0',
  };
  const worker = ['worker', '--queues', 'gpu'];
  cluster.run(environment, { coordinator: ['coordinator'], aggregator: ['aggregator'], one: worker, two: worker });
});
after(async () => {
  await cluster?.stop();
  await folder?.remove();
});

const run = (seed: number) => [
  ...['run', path('slow.yaml'), '--data', path('corpus'), '--out', path('out')],
  ...['--estimators', 'small-cnn', '--seed', String(seed)],
];

/** What a worker says of an attempt that came too late, or that it may not go on with. */
const VOID = /dropped|taken back/;

/** The line that a worker of this name wrote when it took a fold, after the first `skip` lines. */
async function taken(name: string, skip: number): Promise<LogLine> {
  return until(`${name} to take a fold`, async () => {
    const pid = cluster.pid(name);
    return (await logLines(folder.path)).slice(skip).find((line) => line.pid === pid && line.msg === 'fold started');
  });
}

const since = async (skip: number, key: string | undefined, msg: string) =>
  (await logLines(folder.path)).slice(skip).filter((line) => line.key === key && line.msg === msg);

test('the fold of a killed worker starts again within 15 s', { skip }, async (t) => {
  const running = start(run(1), environment);
  const { key } = await taken('one', 0);
  process.kill(cluster.pid('one') ?? assert.fail(), 'SIGKILL');
  const killed = Date.now();
  await until('the fold to start again', async () => (await since(0, key, 'fold started')).length === 2, 30);
  const seconds = (Date.now() - killed) / 1000;
  t.diagnostic(`${seconds.toFixed(1)} s`);
  assert.ok(seconds <= 15, `${seconds} s`);
  assert.equal((await running.ended).code, 0);
  assert.equal((await since(0, key, 'fold committed')).length, 1);
});

test('a consumer whose connection died without a word takes jobs again', { skip }, async (t) => {
  const quiet = await Cluster.start(path('quiet'), redis ?? '');
  const proxy = await TcpProxy.start(quiet.redisPort);
  const queues = new Queues(`redis://127.0.0.1:${quiet.redisPort}`);
  let handled = 0;
  const consumer = new Consumer({
    url: `redis://127.0.0.1:${proxy.port}`,
    queue: 'aggregate',
    schema: runPayload,
    concurrency: 1,
    maxStalledCount: 8,
    handle: async () => {
      handled++;
    },
    onError: () => {},
  });
  const submit = (run: string) =>
    until('Redis', () =>
      queues.add('aggregate', [{ id: run, payload: { format: 1, kind: 'run', run } }]).then(
        () => true,
        () => false,
      ),
    );
  try {
    await submit('first');
    await until('the first job', () => handled === 1);
    // Connections made during the fault stay open and silent after it.
    proxy.set('hang');
    await sleep(1500);
    proxy.set('none');
    const healed = Date.now();
    await submit('second');
    await until('the second job', () => handled === 2, 40);
    t.diagnostic(`${((Date.now() - healed) / 1000).toFixed(1)} s`);
  } finally {
    await consumer.close(true);
    await queues.close();
    await proxy.stop();
    await quiet.stop();
  }
});

test('a worker that was stopped past its lock comes back and changes nothing', { skip }, async () => {
  const before = (await logLines(folder.path)).length;
  const running = start(run(2), environment);
  const { key } = await taken('two', before);
  const zombie = cluster.pid('two') ?? assert.fail();
  process.kill(zombie, 'SIGSTOP');
  // Another worker takes the fold, and commits it while the first one's child has ended or still trains.
  await until(
    'the fold to be committed by another',
    async () => (await since(before, key, 'fold committed')).length === 1,
    90,
  );
  process.kill(zombie, 'SIGCONT');
  assert.equal((await running.ended).code, 0);
  const [winner] = await since(before, key, 'fold committed');
  assert.notEqual(winner.pid, zombie);
  await until(
    'the zombie to say that its attempt is void',
    async () => {
      const lines = (await logLines(folder.path)).slice(before);
      return lines.some((line) => line.pid === zombie && line.key === key && VOID.test(line.msg));
    },
    30,
  );
  await sleep(500);
  assert.equal((await since(before, key, 'fold committed')).length, 1);
  const again = await cryfold(run(2), environment);
  assert.match(again.stderr, /in the store already/);
});
