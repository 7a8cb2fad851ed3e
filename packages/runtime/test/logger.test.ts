import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printable } from '@cryfold/core';
import { createLogger, readableLog } from '../src/index.js';

test('does not log what libraries attach to errors, such as an AUTH command with its password', () => {
  const lines: string[] = [];
  const log = createLogger('test', 'info', { destination: { write: (line) => void lines.push(line) } });
  const cause = Object.assign(new Error('inner'), { args: ['s3cr3t'] });
  const err = Object.assign(new Error('WRONGPASS invalid username-password pair', { cause }), {
    code: 'WRONGPASS',
    command: { name: 'hello', args: ['3', 'AUTH', 'default', 's3cr3t'] },
  });
  log.warn({ err }, 'queue error');
  assert.doesNotMatch(lines.join(), /s3cr3t/);
  const { msg, err: logged } = JSON.parse(lines[0]);
  assert.deepEqual([msg, logged.code, logged.message], ['queue error', 'WRONGPASS', err.message]);
});

test('escapes terminal controls in lines that still parse to what was logged', () => {
  const lines: string[] = [];
  const log = createLogger('test', 'info', { destination: { write: (line) => void lines.push(line) } });
  const file = 'a\u001b]52;c;x\u0007\u009b2J\u202egpj\n.wav';
  log.info({ file }, `cannot read ${file}`);
  assert.equal(lines.length, 1);
  assert.equal(lines[0].trimEnd(), printable(lines[0].trimEnd()));
  const { msg, file: read } = JSON.parse(lines[0]);
  assert.deepEqual([msg, read], [`cannot read ${file}`, file]);
});

test('formats a line with time, level, message, fold and fields, except for fields that every line repeats', () => {
  const lines: string[] = [];
  const log = createLogger('worker', 'info', {
    readable: true,
    destination: { write: (line) => void lines.push(line) },
  });
  log.child({ run: 'r1', trial: 'svm', repeat: 0, fold: 3 }).info({ seconds: 3.21456, code: 'A B' }, 'fold trained');
  assert.match(
    lines[0],
    /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z info {2}fold trained {2}svm\/0\/3 seconds=3\.215 code="A B"\n$/,
  );
});

test('shows the stack in a readable line only for errors without a code, and escapes control characters', () => {
  const lines: string[] = [];
  const log = createLogger('worker', 'info', {
    readable: true,
    destination: { write: (line) => void lines.push(line) },
  });
  log.warn({ err: Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }) }, 'queue error');
  assert.match(lines[0], /warn {2}queue error: ECONNREFUSED: refused\n$/);
  log.warn({ err: new Error('a defect\u001b]52') }, 'queue error');
  assert.match(lines[1], /queue error\n {4}Error: a defect\\u001b\]52\n {8,}at /);
  log.warn('a\n2026-01-01 00:00:00Z info  forged');
  assert.match(lines[2], /warn {2}a\n {4}2026/);
});

test('makes a stored log readable and keeps the output of training children unchanged', () => {
  const stored = [
    '{"time":"2026-01-01T00:00:00.123Z","level":"info","run":"r","trial":"svm","repeat":0,"fold":1,"attempt":"0-a","msg":"fold started"}',
    '{"not": a log line',
    'Killed',
  ];
  assert.equal(
    readableLog(stored.join('\n'), ['attempt']),
    '2026-01-01 00:00:00.123Z info  fold started  svm/0/1\n{"not": a log line\nKilled',
  );
});
