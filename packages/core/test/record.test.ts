import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import {
  CryfoldError,
  decodeRecord,
  encodeRecord,
  errorRecordSchema,
  ifReadable,
  isNewer,
  isUnreadable,
  refuseNewer,
  unlessUnreadable,
} from '../src/index.js';

const schema = z.strictObject({ format: z.literal(2), inner: z.strictObject({ size: z.number() }) });
const record = { format: 2, inner: { size: 1.5 } } as const;

const problem = (code: string, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof CryfoldError, String(error));
  assert.equal(error.code, code);
  assert.match(error.message, message);
  assert.equal(error.context.artifact, 'a.json');
  assert.match(
    error.hint ?? '',
    code === 'JOB_INVALID' ? /^The record is damaged/ : /^It was written by a newer version of cryfold/,
  );
  return true;
};

test('encodes the members of a record in order, and rejects numbers that JSON cannot represent', () => {
  assert.equal(Buffer.from(encodeRecord({ b: 1, a: ['é'] })).toString(), '{"b":1,"a":["é"]}');
  for (const number of [Number.NaN, Number.POSITIVE_INFINITY])
    assert.throws(() => encodeRecord({ a: { mean: number } }), new TypeError(`mean is ${number}`));
});

test('decodes a record from bytes, text or an object', () => {
  for (const source of [encodeRecord(record), JSON.stringify(record), record])
    assert.deepEqual(decodeRecord(schema, source, 'a.json'), record);
});

test('reports the artifact and the invalid member of a damaged record', () => {
  for (const [source, message] of [
    ['{"format":2', /^a\.json: not JSON$/],
    [Uint8Array.of(0x22, 0xe9, 0x22), /^a\.json: not JSON$/],
    ['{"format":2,"inner":{"size":"x"}}', /^a\.json: inner\.size: .*expected number/],
    ['[]', /^a\.json: \(top level\): .*expected object/],
    ['null', /^a\.json: \(top level\): .*expected object/],
    ['{"format":1,"inner":{"size":1}}', /^a\.json: format: /],
    ['{"format":2.5,"inner":{"size":1}}', /^a\.json: format: /],
    ['{"format":"3","inner":{"size":1}}', /^a\.json: format: /],
  ] as const)
    assert.throws(() => decodeRecord(schema, source, 'a.json'), problem('JOB_INVALID', message));
});

test('distinguishes a record in a newer format from a damaged one, whatever else it contains', () => {
  const older = z.strictObject({ format: z.literal(1) }).transform(() => record);
  const readers: [number, z.ZodType][] = [
    [2, schema],
    [2, z.union([older, schema])],
    [2, z.union([schema, z.strictObject({ plain: z.string() })])],
    [1, older],
    [4, z.strictObject({ format: z.literal([3, 4]) })],
  ];
  for (const [reads, either] of readers) {
    const message = new RegExp(`^a\\.json has format ${reads + 1}; this version reads formats up to ${reads}$`);
    assert.throws(() => decodeRecord(either, { format: reads + 1 }, 'a.json'), problem('FORMAT_NEWER', message));
    assert.doesNotThrow(() => refuseNewer(either, { format: reads }, 'a.json'));
  }
  // If a schema has no numeric format, no record counts as newer than the schema.
  for (const other of [z.strictObject({ format: z.string() }), z.strictObject({}), z.string(), z.union([z.string()])])
    assert.doesNotThrow(() => refuseNewer(other, { format: 99 }, 'a.json'));
  for (const value of [null, 5, {}]) assert.doesNotThrow(() => refuseNewer(schema, value, 'a.json'));
});

test('returns undefined for unreadable records, and rethrows all other errors', async () => {
  const fail = (error: unknown) => () => {
    throw error;
  };
  const unreadable = (['FORMAT_NEWER', 'JOB_INVALID', 'ARTIFACT_TOO_LARGE'] as const).map(
    (code) => new CryfoldError(code, 'x'),
  );
  for (const error of unreadable) {
    assert.ok(isUnreadable(error));
    assert.equal(unlessUnreadable(fail(error)), undefined);
    assert.equal(await ifReadable(Promise.reject(error)), undefined);
  }
  assert.deepEqual(unreadable.map(isNewer), [true, false, false]);
  for (const error of [new CryfoldError('STORE_UNREACHABLE', 'x'), new Error('FORMAT_NEWER')]) {
    assert.ok(!isUnreadable(error) && !isNewer(error));
    assert.throws(() => unlessUnreadable(fail(error)), error);
    await assert.rejects(ifReadable(Promise.reject(error)), error);
  }
  assert.equal(
    unlessUnreadable(() => 7),
    7,
  );
  assert.equal(await ifReadable(Promise.resolve(7)), 7);
});

test('accepts an error record only with a known code and class and a context of plain values', () => {
  const error = { code: 'USAGE', failure: 'usage', message: 'x', context: { a: 'b', c: 1, d: true }, hint: 'h' };
  for (const failure of ['usage', 'input', 'infrastructure', 'crash'])
    assert.ok(errorRecordSchema.safeParse({ ...error, failure }).success, failure);
  for (const change of [{ code: 'X' }, { failure: 'x' }, { context: { a: null } }, { hint: 1 }, { more: 1 }])
    assert.equal(errorRecordSchema.safeParse({ ...error, ...change }).success, false, JSON.stringify(change));
});
