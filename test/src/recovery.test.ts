import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Consumer, Queues, runPayload } from '@cryfold/queue';
import { TcpProxy } from '@cryfold/testing';
import { Cluster, findRedis } from './cluster.js';
import { cryfold, type LogLine, logLines, start, TINY_SPEC, until } from './command.js';
import { type Testbed, testbed, withoutRedis } from './testbed.js';

const skip = withoutRedis;
let bed: Testbed;

before(async () => {
  const worker = ['worker', '--queues', 'gpu'];
  bed = (await testbed(
    // Folds take a few seconds, so that workers are certain to be training when a test interferes.
    { 'slow.yaml': TINY_SPEC.replace('epochs: 2', 'epochs: 120').replace('folds: 3', 'folds: 2') },
    { coordinator: ['coordinator'], aggregator: ['aggregator'], one: worker, two: worker },
  )) as Testbed;
});
after(() => bed?.remove());

const run = (seed: number) => bed.run('slow.yaml', '--estimators', 'small-cnn', '--seed', String(seed));

/** Matches the log messages about an attempt that came too late or was aborted. */
const VOID = /discarding this one|attempt aborted/;

/**
 * Waits until a worker starts a fold. @returns the worker's log line about the start, ignoring the first `skip` lines
 */
async function taken(name: string, skip: number): Promise<LogLine> {
  return until(`${name} to take a fold`, async () => {
    const pid = bed.cluster.pid(name);
    return (await logLines(bed.folder)).slice(skip).find((line) => line.pid === pid && line.msg === 'fold started');
  });
}

const since = async (skip: number, key: string | undefined, msg: string) =>
  (await logLines(bed.folder)).slice(skip).filter((line) => line.key === key && line.msg === msg);

test('restarts the fold of a killed worker within 15 s', { skip }, async (t) => {
  const running = start(run(1), bed.environment);
  const { key } = await taken('one', 0);
  process.kill(bed.cluster.pid('one') ?? assert.fail(), 'SIGKILL');
  const killed = Date.now();
  await until('the fold to restart', async () => (await since(0, key, 'fold started')).length === 2, 30);
  const seconds = (Date.now() - killed) / 1000;
  t.diagnostic(`${seconds.toFixed(1)} s`);
  assert.ok(seconds <= 15, `${seconds} s`);
  assert.equal((await running.ended).code, 0);
  assert.equal((await since(0, key, 'fold committed')).length, 1);
});

test('reconnects a consumer whose connection died silently', { skip }, async (t) => {
  const quiet = await Cluster.start(bed.path('quiet'), (await findRedis()) ?? '');
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
    // Connections that are made during the fault stay open, but remain silent afterwards.
    proxy.set('hang');
    // The outage lasts long enough for the consumer to reconnect during it.
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

test('ignores a worker that resumes after the lock of its fold has expired', { skip }, async () => {
  const before = (await logLines(bed.folder)).length;
  const running = start(run(2), bed.environment);
  const { key } = await taken('two', before);
  const zombie = bed.cluster.pid('two') ?? assert.fail();
  process.kill(zombie, 'SIGSTOP');
  // Another worker takes and commits the fold, whether or not the first worker's child is still training.
  await until(
    'another worker to commit the fold',
    async () => (await since(before, key, 'fold committed')).length === 1,
    90,
  );
  process.kill(zombie, 'SIGCONT');
  assert.equal((await running.ended).code, 0);
  const [winner] = await since(before, key, 'fold committed');
  assert.notEqual(winner.pid, zombie);
  await until(
    'the resumed worker to log that its attempt is void',
    async () => {
      const lines = (await logLines(bed.folder)).slice(before);
      return lines.some((line) => line.pid === zombie && line.key === key && VOID.test(line.msg));
    },
    30,
  );
  const again = await cryfold(run(2), bed.environment);
  assert.match(again.stderr, /already in the store/);
  assert.equal((await since(before, key, 'fold committed')).length, 1);
});
