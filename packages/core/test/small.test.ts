import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CryfoldError,
  endsWithin,
  escapeControls,
  groupSourceSchema,
  isObject,
  isTestedOnName,
  MONOCHROME,
  NO_GROUPS,
  PALETTE,
  sha256,
  testedOnName,
} from '../src/index.js';

test('waits for work to settle, but not beyond the time limit', async () => {
  assert.equal(await endsWithin(60_000, Promise.resolve(1)), true);
  assert.equal(await endsWithin(60_000, Promise.reject(new Error('x'))), true);
  assert.equal(await endsWithin(1, new Promise(() => {})), false);
});

test('JSON with escaped control characters parses to the same value', () => {
  const value = { '\u001b[2J': 'a\u009b\u202e\u2028\u007f', plain: 'é\t' };
  const json = JSON.stringify(value, null, '\t');
  const escaped = escapeControls(`${json}\r\n`);
  assert.deepEqual(JSON.parse(escaped), value);
  assert.match(escaped, /\\u009b\\u202e\\u2028\\u007f/);
  assert.match(escaped, /^\{\n\t/);
  assert.match(escaped, /\r\n$/);
});

test('isObject accepts only objects with named members', () => {
  for (const value of [{}, { a: 1 }, new Error('x')]) assert.ok(isObject(value));
  for (const value of [null, undefined, [], 'a', 1, () => 1]) assert.ok(!isObject(value));
});

test('recognises the name of a dataset made of two corpora', () => {
  assert.equal(testedOnName('a', 'b'), 'a, tested on b');
  assert.ok(isTestedOnName(testedOnName('a', 'b')));
  assert.ok(!isTestedOnName('a') && !isTestedOnName('tested'));
});

// sha256 of the last 753 bytes of the PLTE chunk in PNG files written by sox 14.4.2, without and with -m.
test("the spectrogram palettes equal SoX's", () => {
  assert.equal(sha256(PALETTE), '0c658125dcd4ebf38eb9c1419c68e0099ff8b65392da5d95e385cca6b6b06170');
  assert.equal(sha256(MONOCHROME), '59d0429666c833b222fe4eb1695451b1d17b7d83853e7670523997e544fb5ba5');
});

test('accepts a group source only with a known kind and, optionally, a name and the mark `partial`', () => {
  for (const source of [NO_GROUPS, { kind: 'column', name: 'speaker', partial: true }, { kind: 'sounds' }])
    assert.deepEqual(groupSourceSchema.parse(source), source);
  for (const source of [{}, { kind: 'guess' }, { kind: 'none', partial: false }, { kind: 'none', extra: 1 }])
    assert.equal(groupSourceSchema.safeParse(source).success, false, JSON.stringify(source));
  assert.equal(groupSourceSchema.safeParse({ kind: 'pattern', name: 'x'.repeat(1001) }).success, false);
});

test('an error gets its class from its code, and an empty context by default', () => {
  const error = new CryfoldError('USAGE', 'x');
  assert.deepEqual(
    [error.name, error.failure, error.context, error.hint, 'cause' in error, error.retryable],
    ['CryfoldError', 'usage', {}, undefined, false, false],
  );
  assert.deepEqual(error.toRecord(), { code: 'USAGE', failure: 'usage', message: 'x', context: {} });
  assert.ok(!('hint' in CryfoldError.fromRecord(error.toRecord()).toRecord()));
  assert.equal(CryfoldError.fromRecord(new CryfoldError('USAGE', 'x', { hint: 'h' }).toRecord()).hint, 'h');
  const cause = new Error('y');
  assert.equal(new CryfoldError('API_DEFECT', 'x', { cause }).cause, cause);
  assert.equal(new CryfoldError('API_DEFECT', 'x').retryable, true);
});
