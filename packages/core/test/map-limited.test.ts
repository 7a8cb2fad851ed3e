import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { mapLimited } from '../src/index.js';

test('keeps results in order and respects the limit on concurrent actions', async () => {
  let active = 0;
  let most = 0;
  const results = await mapLimited(
    [5, 1, 4, 2, 3],
    async (milliseconds, index) => {
      most = Math.max(most, ++active);
      // The actions take different times, so they finish in a different order from the one in which they start.
      await sleep(milliseconds);
      active--;
      return [milliseconds, index];
    },
    2,
  );
  assert.deepEqual(
    results,
    [5, 1, 4, 2, 3].map((value, index) => [value, index]),
  );
  assert.equal(most, 2);
});

test('rejects at the first failure and starts no further action', async () => {
  const started: number[] = [];
  let endFirst = () => {};
  const failing = mapLimited(
    [0, 1, 2, 3, 4, 5],
    async (item) => {
      started.push(item);
      if (item === 1) throw new Error('one');
      await new Promise<void>((resolve) => {
        endFirst = resolve;
      });
    },
    2,
  );
  await assert.rejects(failing, /one/);
  // The other lane is free again, but must not start the next item.
  endFirst();
  await turn();
  assert.deepEqual(started, [0, 1]);
});
