import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CryfoldError, type ErrorCode } from '@cryfold/core';
import { createLogger } from '@cryfold/runtime';
import { inTime } from '../src/in-time.js';

const log = createLogger('test', 'silent');

/** How often a check that fails with a code once is made at the start of a service. */
async function checks(code: ErrorCode): Promise<number> {
  let made = 0;
  const check = async () => {
    if (made++ === 0) throw new CryfoldError(code, 'once');
  };
  await inTime(30, log, (patiently) => patiently(check)).catch((error) => assert.equal(error.code, code));
  return made;
}

test('a starting service waits for a server that is away, and not for what an operator has to change', async () => {
  assert.equal(await checks('STORE_UNREACHABLE'), 2);
  for (const code of ['STORE_BUCKET_MISSING', 'STORE_CLOCK_WRONG', 'STORE_UNSAFE', 'REDIS_UNSAFE'] as const) {
    assert.equal(await checks(code), 1, code);
  }
});
