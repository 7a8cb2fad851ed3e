import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printable } from '@cryfold/core';
import { createLogger } from '../src/index.js';

test('what libraries hang on their errors, such as AUTH with its password, is not logged', () => {
  const lines: string[] = [];
  const log = createLogger('test', 'info', { write: (line) => void lines.push(line) });
  const cause = Object.assign(new Error('inner'), { args: ['s3cr3t'] });
  const err = Object.assign(new Error('WRONGPASS invalid username-password pair', { cause }), {
    code: 'WRONGPASS',
    command: { name: 'hello', args: ['3', 'AUTH', 'default', 's3cr3t'] },
  });
  log.warn({ err }, 'queue error');
  assert.doesNotMatch(lines.join(), /s3cr3t/);
  const { msg, err: told } = JSON.parse(lines[0]);
  assert.deepEqual([msg, told.code, told.message], ['queue error', 'WRONGPASS', err.message]);
});

test('a line holds no control that a terminal would obey, and reads back as what was logged', () => {
  const lines: string[] = [];
  const log = createLogger('test', 'info', { write: (line) => void lines.push(line) });
  const file = 'a\u001b]52;c;x\u0007\u009b2J\u202egpj\n.wav';
  log.info({ file }, `cannot read ${file}`);
  assert.equal(lines.length, 1);
  assert.equal(lines[0].trimEnd(), printable(lines[0].trimEnd()));
  const { msg, file: read } = JSON.parse(lines[0]);
  assert.deepEqual([msg, read], [`cannot read ${file}`, file]);
});
