import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CryfoldError, sha256 } from '@cryfold/core';
import { Consumer, checkRedis, failureOf, Queues, type WorkPayload, workPayload } from '@cryfold/queue';
import { until } from './command.js';
import { RedisProcess } from './redis.js';

let redis: RedisProcess;
let queues: Queues;
const consumers: Consumer<WorkPayload>[] = [];

before(async () => {
  redis = await RedisProcess.start();
  queues = new Queues(redis.url);
});
after(async () => {
  await Promise.all(consumers.map((consumer) => consumer.close(true)));
  await queues.close();
  await redis.remove();
});

const id = (name: string) => sha256(name);
const fold = (name: string) => ({
  id: id(name),
  payload: { format: 1, kind: 'fold', run: 'r', key: id(name) } as const,
});

function consume(handle: (payload: WorkPayload, signal: AbortSignal) => Promise<void>): Consumer<WorkPayload> {
  const consumer = new Consumer<WorkPayload>({
    url: redis.url,
    queue: 'gpu',
    schema: workPayload,
    concurrency: 1,
    maxStalledCount: 1,
    handle: (payload, { signal }) => handle(payload, signal),
    onError: () => {},
  });
  consumers.push(consumer);
  return consumer;
}

async function failure(name: string) {
  const reason = await until(`${name} to fail`, async () => (await queues.failures('gpu', [id(name)])).get(id(name)));
  return failureOf(reason);
}

test('does not retry a job after an input error, and keeps the record of the error', async () => {
  let calls = 0;
  const consumer = consume(async () => {
    calls++;
    throw new CryfoldError('WAV_INVALID', 'x.wav: truncated', { context: { file: 'x.wav' }, hint: 'Replace it.' });
  });
  await queues.add('gpu', [fold('input')]);
  const record = await failure('input');
  assert.deepEqual([record.code, record.message, record.context.file], ['WAV_INVALID', 'x.wav: truncated', 'x.wav']);
  await consumer.close();
  assert.equal(calls, 1);
});

test('retries a job that ran out of memory, since another worker may have more memory', async () => {
  let calls = 0;
  const consumer = consume(async () => {
    calls++;
    throw new CryfoldError('OUT_OF_MEMORY', 'it used 9 MiB of memory; the limit is 8 MiB');
  });
  await queues.add('gpu', [fold('memory')]);
  const record = await failure('memory');
  assert.equal(record.code, 'OUT_OF_MEMORY');
  await consumer.close();
  assert.equal(calls, 2);
});

test('retries crashes up to four attempts, then fails', async () => {
  let calls = 0;
  const consumer = consume(async () => {
    calls++;
    throw new TypeError('a defect');
  });
  await queues.add('gpu', [fold('crash')]);
  const record = await failure('crash');
  assert.deepEqual([record.failure, record.message], ['crash', 'a defect']);
  await consumer.close();
  assert.equal(calls, 4);
});

test('retries a job later after an infrastructure error, without counting the attempt', async () => {
  let calls = 0;
  let ended = false;
  const consumer = consume(async () => {
    if (++calls < 4) throw new CryfoldError('STORE_UNREACHABLE', 'away');
    ended = true;
  });
  await queues.add('gpu', [fold('store')]);
  await until('the fourth attempt', () => ended);
  await consumer.close();
  assert.equal((await queues.failures('gpu', [id('store')])).has(id('store')), false);
});

test('refuses an invalid payload with the reason', async () => {
  const consumer = consume(async () => assert.fail('must not be handled'));
  const payload = { format: 1, kind: 'fold', run: '../x', key: 'y' } as unknown as WorkPayload;
  await queues.add('gpu', [{ id: id('payload'), payload }]);
  const record = await failure('payload');
  assert.equal(record.code, 'JOB_INVALID');
  await consumer.close();
});

test('runs a job only once even if it is added twice, and a closing consumer returns it immediately', async () => {
  const started: string[] = [];
  const slow = consume(async (payload, signal) => {
    started.push('slow');
    assert.equal(payload.kind, 'fold');
    await new Promise<void>((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))));
  });
  await queues.add('gpu', [fold('twice'), fold('twice')]);
  await queues.add('gpu', [fold('twice')]);
  await until('the start', () => started.length === 1);
  const closed = Date.now();
  await slow.close(true);
  let ended = 0;
  const quick = consume(async () => {
    started.push('quick');
    ended = Date.now();
  });
  await until('another consumer to process the job', () => ended);
  assert.ok(ended - closed < 5000, `${ended - closed} ms`);
  await until('an empty queue', async () => (await queues.liveIds('gpu')).size === 0);
  await quick.close();
  assert.deepEqual(started, ['slow', 'quick']);
});

test('if enabled, counts how often closing consumers return a job until the job is done', async () => {
  for (const countsGiveBacks of [true, false]) {
    const job = fold(`counted ${countsGiveBacks}`);
    let started = false;
    const options = {
      ...({ url: redis.url, queue: 'gpu', schema: workPayload, concurrency: 1, maxStalledCount: 1 } as const),
      ...{ countsGiveBacks, onError: () => {} },
    };
    const closing = new Consumer<WorkPayload>({
      ...options,
      handle: async (_, { signal }) => {
        started = true;
        await new Promise<void>((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))));
      },
    });
    consumers.push(closing);
    await queues.add('gpu', [job]);
    await until('the start', () => started);
    await closing.close(true);
    assert.equal((await queues.giveBacks()).get(job.id), countsGiveBacks ? 1 : undefined);
    const next = new Consumer<WorkPayload>({ ...options, handle: async () => {} });
    consumers.push(next);
    await until('the job to be done', async () => (await queues.liveIds('gpu')).size === 0);
    await until('the count to be deleted', async () => (await queues.giveBacks()).size === 0);
    await next.close();
  }
});

test('abandons jobs of a stopped consumer after its grace period, even if they hang', async () => {
  let started = false;
  let release = () => {};
  const stuck = consume(async () => {
    started = true;
    await new Promise<void>((resolve) => {
      release = resolve;
    });
  });
  await queues.add('gpu', [fold('stuck')]);
  await until('the start', () => started);
  let stopped = false;
  void stuck.stop(0.2).then(() => {
    stopped = true;
  });
  await until('the consumer to stop', () => stopped, 15);
  release();
});

test('keeps passwords out of logs and messages', async () => {
  const { url, remove } = await RedisProcess.withPassword('s3cr3t@/word');
  try {
    const wrong = url.replace('s3cr3t', 'wr0ng');
    await assert.rejects(checkRedis(wrong, 1000), (error) => !/wr0ng|s3cr3t/.test(String(error)));
  } finally {
    await remove();
  }
  // With any other scheme, ioredis would treat the whole URL as a socket path.
  for (const url of ['http://u:s3cr3t@127.0.0.1:1/', 'redis://127.0.0.1:1?password=s3cr3t', 'u:s3cr3t@127.0.0.1:1'])
    await assert.rejects(checkRedis(url, 1000), (error) => !String(error).includes('s3cr3t'));
});

test('fails a producer immediately while Redis is unreachable, and recovers afterwards', async () => {
  await redis.kill();
  const asked = Date.now();
  const outage = (error: unknown) => error instanceof CryfoldError && error.code === 'REDIS_UNREACHABLE';
  await assert.rejects(queues.add('gpu', [fold('outage')]), outage);
  await assert.rejects(queues.failures('gpu', [id('outage')]), outage);
  await assert.rejects(queues.liveIds('gpu'), outage);
  assert.ok(Date.now() - asked < 2000);
  await assert.rejects(checkRedis(redis.url, 500), (error) => (error as CryfoldError).code === 'REDIS_UNREACHABLE');
  await redis.restart();
  await until('the queue to respond', () =>
    queues.add('gpu', [fold('after')]).then(
      () => true,
      () => false,
    ),
  );
  assert.ok((await queues.liveIds('gpu')).has(id('after')));
});
