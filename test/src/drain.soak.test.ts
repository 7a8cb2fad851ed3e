import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, cryfold, type LogLine, ownStore, start, TINY_SPEC, until } from './command.js';
import { type Testbed, testbed, withoutRedis } from './testbed.js';

const skip = withoutRedis;
let bed: Testbed;
const workers: Command[] = [];

before(async () => {
  const slow = TINY_SPEC.replace('epochs: 2', 'epochs: 120').replace('folds: 3', 'folds: 2');
  bed = (await testbed(
    { 'slow.yaml': slow, 'kept.yaml': `${slow}checkpoint: epoch\n` },
    { coordinator: ['coordinator'], aggregator: ['aggregator'] },
  )) as Testbed;
});
after(async () => {
  for (const { process } of workers) process.kill('SIGKILL');
  await Promise.all(workers.map(({ ended }) => ended));
  await bed?.remove();
});

function worker(graceSeconds: number): Command {
  const command = start(['worker', '--queues', 'gpu'], {
    ...bed.environment,
    CRYFOLD_GRACE_SECONDS: String(graceSeconds),
  });
  workers.push(command);
  return command;
}

type Line = LogLine & { from?: number };
const lines = (command: Command, msg: string): Line[] =>
  command
    .stdout()
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line) as Line)
    .filter((line) => line.msg === msg);

const run = (spec: string, seed: string) =>
  start(bed.run(spec, '--estimators', 'small-cnn', '--seed', seed), bed.environment);

test('returns the fold of an evicted worker immediately, and resumes it from its checkpoint on another worker', {
  skip,
}, async (t) => {
  const [one, two] = [worker(0), worker(0)];
  const running = run('kept.yaml', '0');
  const [{ key }] = await until('a fold', () => lines(one, 'fold started').length > 0 && lines(one, 'fold started'));
  await until('the second fold', () => lines(two, 'fold started').length > 0);
  const spare = worker(0);
  await until('a waiting worker', () => lines(spare, 'worker ready').length > 0);
  const [whole] = await until('the fold’s key', async () => {
    const found = (await readdir(bed.path('store', 'folds')).catch(() => [])).filter((name) =>
      name.startsWith(key ?? '?'),
    );
    return found.length === 1 && found;
  });
  await until('a checkpoint', async () => {
    const found = await readdir(bed.path('store', 'folds', whole, 'checkpoint')).catch(() => []);
    return found.length > 0;
  });
  one.process.kill('SIGTERM');
  assert.equal((await one.ended).code, 0);
  await until('the fold to be committed', () => lines(spare, 'fold committed').some((line) => line.key === key), 120);
  const [stopping] = lines(one, 'stopping');
  const again = lines(spare, 'fold started').find((line) => line.key === key);
  const seconds = (Date.parse(again?.time ?? '') - Date.parse(stopping.time)) / 1000;
  t.diagnostic(`started again after ${seconds.toFixed(2)} s`);
  // The fold's lock is renewed every 4 s, so it would take at least 4 s to notice that the lock is stale.
  assert.ok(seconds < 4, `${seconds} s`);
  const [training] = lines(spare, 'training').filter((line) => line.key === key);
  t.diagnostic(`resumed at ${training.from} of its training`);
  assert.ok((training.from ?? 0) > 1 / 120, 'it resumed after the first epoch');
  assert.equal((await running.ended).code, 0);
  for (const command of [two, spare]) {
    command.process.kill('SIGTERM');
    assert.equal((await command.ended).code, 0);
  }
  const interrupted = await readFile(bed.path('out', 'out-of-fold.csv'));
  const calm = await cryfold([
    'run',
    bed.path('kept.yaml'),
    '--data',
    bed.path('corpus'),
    ...ownStore(bed.path('calm')),
    '--estimators',
    'small-cnn',
    '--workers',
    '1',
  ]);
  assert.equal(calm.code, 0, calm.stderr);
  assert.deepEqual(interrupted, await readFile(bed.path('calm', 'out-of-fold.csv')));
});

test('with enough time, an evicted worker finishes its fold and starts no other', { skip }, async () => {
  const one = worker(120);
  const running = run('slow.yaml', '1');
  const [{ key }] = await until('a fold', () => lines(one, 'fold started').length > 0 && lines(one, 'fold started'));
  one.process.kill('SIGTERM');
  assert.equal((await one.ended).code, 0);
  assert.deepEqual(
    lines(one, 'fold committed').map((line) => line.key),
    [key],
  );
  assert.equal(lines(one, 'fold started').length, 1);
  const next = worker(0);
  assert.equal((await running.ended).code, 0);
  assert.equal(lines(next, 'fold started').length, 1, 'only the other fold was left');
  next.process.kill('SIGTERM');
  await next.ended;
});

test('stops a service that is waiting for Redis immediately, even if it is process 1 of a container', {
  skip,
}, async () => {
  const waiting = start(['aggregator'], { ...bed.environment, REDIS_URL: 'redis://127.0.0.1:1' });
  await until(
    'it to wait',
    () => lines(waiting, 'Redis at redis://127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1').length > 0,
  );
  waiting.process.kill('SIGTERM');
  // The service must exit within this time.
  const ended = await Promise.race([waiting.ended, sleep(5000)]);
  assert.equal(ended?.code, 0);
});
