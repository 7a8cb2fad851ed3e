import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { CryfoldError } from '@cryfold/core';
import { createLogger, RepeatedErrors } from '@cryfold/runtime';

function logged(t: { mock: { timers: { enable(options: { apis: ['setTimeout'] }): void } } }, intervalMs = 1000) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const lines: { msg: string; level: number; repeated?: number; err?: { message: string } }[] = [];
  const destination = new Writable({
    write(chunk, _encoding, done) {
      lines.push(JSON.parse(String(chunk)));
      done();
    },
  });
  return { lines, errors: new RepeatedErrors(createLogger('test', 'info', { destination }), intervalMs) };
}

test('logs the error of each artifact', (t) => {
  const { lines, errors } = logged(t);
  for (const artifact of ['runs/a/plan.json', 'runs/b/plan.json', 'runs/a/plan.json']) {
    errors.warn({ err: new CryfoldError('FORMAT_NEWER', `${artifact} is newer`, { context: { artifact } }) }, 'failed');
  }
  assert.equal(lines.length, 2);
});

test('logs an error immediately, and then once per interval with its count and its last message', (t) => {
  const { lines, errors } = logged(t);
  for (let i = 0; i < 5000; i++) errors.warn({ err: new Error(`READONLY You can't write: ${i}`) }, 'queue error');
  assert.deepEqual(
    lines.map(({ repeated }) => repeated),
    [undefined],
  );
  t.mock.timers.tick(1000);
  assert.deepEqual([lines[1].repeated, lines[1].err?.message], [4999, "READONLY You can't write: 4999"]);
  errors.warn({ err: new Error('READONLY again') }, 'queue error');
  t.mock.timers.tick(1000);
  assert.equal(lines[2].repeated, 1);
  t.mock.timers.tick(1000);
  assert.equal(lines.length, 3, 'silence is not logged');
  errors.warn({ err: new Error('READONLY later') }, 'queue error');
  assert.equal(lines[3].repeated, undefined, 'an error absent for an interval counts as new');
});

test('counts kinds of errors separately: by message and code, or by code alone', (t) => {
  const { lines, errors } = logged(t);
  const reply = (text: string) => ({ err: new Error(text) });
  errors.warn(reply('OOM command not allowed'), 'queue error');
  errors.warn(reply('MISCONF Redis is configured'), 'queue error');
  errors.warn(reply('OOM command not allowed'), 'runs could not be listed');
  errors.error(reply('OOM command not allowed'), 'queue error');
  errors.warn({ err: new CryfoldError('STORE_DENIED', 'a') }, 'queue error');
  errors.warn({ code: 'STORE_DENIED' }, 'a.json: denied');
  assert.equal(lines.length, 6);
  errors.warn({ err: new CryfoldError('STORE_DENIED', 'b') }, 'queue error');
  errors.warn({ code: 'STORE_DENIED' }, 'b.json: denied');
  assert.equal(lines.length, 6);
});

test('limits the number of kinds that are counted separately', (t) => {
  const { lines, errors } = logged(t);
  for (let i = 0; i < 10_000; i++) errors.warn({}, `line ${i}`);
  assert.ok(lines.length <= 101, `${lines.length} lines`);
  errors.warn({}, 'line 3');
  assert.ok(lines.length <= 101);
});
