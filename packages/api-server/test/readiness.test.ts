import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Readiness } from '../src/readiness.js';

test('lists failed checks with reasons', async () => {
  const readiness = new Readiness({
    store: async () => {},
    redis: async () => {
      throw new Error('connection refused');
    },
  });
  assert.deepEqual(await readiness.failing(), { redis: 'connection refused' });
});

test('caches the result of a readiness check for two seconds, then checks again', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 10_000 });
  let checks = 0;
  const readiness = new Readiness({ store: async () => void checks++ });
  await Promise.all([readiness.failing(), readiness.failing()]);
  assert.equal(checks, 1);
  t.mock.timers.tick(2001);
  await readiness.failing();
  assert.equal(checks, 2);
});
