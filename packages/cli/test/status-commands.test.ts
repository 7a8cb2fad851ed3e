import assert from 'node:assert/strict';
import { test } from 'node:test';
import { workerAdvice } from '../src/status-commands.js';

test('suggests starting a worker on a cluster, but not for a local run, which starts its own', () => {
  const status = { queues: { gpu: { waiting: 0 }, cpu: { waiting: 18 } }, workers: [] };
  const [advice, ...others] = workerAdvice(status, 'cluster');
  assert.match(advice, /^18 cpu jobs wait; .* worker --queues cpu$/);
  assert.deepEqual(others, []);
  assert.deepEqual(workerAdvice(status, 'local'), []);
});
