import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CryfoldError } from '@cryfold/core';
import { PredictionQueue } from '../src/prediction-queue.js';

const busy = (message: RegExp) => (error: unknown) =>
  error instanceof CryfoldError && error.code === 'SERVER_BUSY' && message.test(error.message);
const { signal } = new AbortController();

/** Creates work that finishes when the test calls `end`. */
function held() {
  let end = () => {};
  const promise = new Promise<string>((resolve) => {
    end = () => resolve('done');
  });
  return { work: () => promise, end: () => end() };
}

test('runs work one at a time and in order once the queue is open', async () => {
  const queue = new PredictionQueue(60);
  const order: number[] = [];
  let [now, most] = [0, 0];
  const work = (i: number) => async () => {
    most = Math.max(most, ++now);
    await new Promise(setImmediate);
    order.push(i);
    now--;
    if (i === 1) throw new Error('one');
    return i;
  };
  const all = Promise.allSettled([0, 1, 2, 3].map((i) => queue.add({ work: work(i), signal })));
  assert.equal(queue.length, 4);
  assert.deepEqual(order, []);
  queue.open = true;
  assert.deepEqual(
    (await all).map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled', 'fulfilled'],
  );
  assert.deepEqual([order, most, queue.length], [[0, 1, 2, 3], 1, 0]);
});

test('drops waiting work if its client disconnects or it times out, but not running work', async () => {
  const queue = new PredictionQueue(0.05);
  queue.open = true;
  const running = held();
  const first = queue.add({ work: running.work, signal });
  const gone = new AbortController();
  const never = async () => assert.fail('it was dropped');
  const left = queue.add({ work: never, signal: gone.signal });
  const late = queue.add({ work: never, signal });
  gone.abort();
  await assert.rejects(left, busy(/closed the connection/));
  await assert.rejects(late, busy(/waiting 0.05 s/));
  await assert.rejects(queue.add({ work: never, signal: gone.signal }), busy(/closed/));
  assert.equal(queue.length, 1);
  running.end();
  assert.equal(await first, 'done');
});

test('rejects waiting and new work after a stop, and finishes running work', async () => {
  const queue = new PredictionQueue(60);
  queue.open = true;
  const running = held();
  const first = queue.add({ work: running.work, signal });
  const waiting = queue.add({ work: async () => 'never', signal });
  queue.stop();
  await assert.rejects(waiting, busy(/stopping/));
  await assert.rejects(queue.add({ work: async () => 'never', signal }), busy(/stopping/));
  running.end();
  assert.equal(await first, 'done');
});
