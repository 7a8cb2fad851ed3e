import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CryfoldError, type ErrorCode } from '@cryfold/core';
import { createLogger } from '@cryfold/runtime';
import { inTime } from '../src/in-time.js';

function logged() {
  const lines: { msg: string; code: string }[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) };
  return { lines, log: createLogger('test', 'info', { destination }) };
}

test('fails with the last error if all checks together take longer than the time limit', async () => {
  const { lines, log } = logged();
  let checks = 0;
  const start = inTime(0.3, log, async (patiently) => {
    await patiently(async () => 'at hand');
    await patiently(async () => {
      throw new CryfoldError('STORE_UNREACHABLE', `the store is unreachable: ${++checks}`);
    });
  });
  await assert.rejects(start, { code: 'STORE_UNREACHABLE', message: 'the store is unreachable: 2' });
  assert.equal(checks, 2, 'at the start, and when the time limit was reached');
  assert.deepEqual(
    lines.map(({ code, msg }) => [code, msg]),
    [['STORE_UNREACHABLE', 'the store is unreachable: 1']],
  );
});

test('fails immediately on an error that waiting cannot fix', async () => {
  const { lines, log } = logged();
  const start = inTime(60, log, (patiently) =>
    patiently(async () => {
      throw new CryfoldError('STORE_URL_INVALID', 'ftp://somewhere');
    }),
  );
  await assert.rejects(start, { code: 'STORE_URL_INVALID' });
  assert.deepEqual(lines, []);
});

/** Starts a service whose check fails with `code` the first time, and returns how often the check ran. */
async function checks(code: ErrorCode): Promise<number> {
  let made = 0;
  const check = async () => {
    if (made++ === 0) throw new CryfoldError(code, 'once');
  };
  const { log } = logged();
  await inTime(30, log, (patiently) => patiently(check)).catch((error) => assert.equal(error.code, code));
  return made;
}

test('waits for an unreachable server, but not for problems that an operator has to fix', async () => {
  assert.equal(await checks('STORE_UNREACHABLE'), 2);
  for (const code of ['STORE_BUCKET_MISSING', 'STORE_CLOCK_WRONG', 'STORE_UNSAFE', 'REDIS_UNSAFE'] as const) {
    assert.equal(await checks(code), 1, code);
  }
});
