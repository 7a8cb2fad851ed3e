import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CryfoldError, decodeNpy, decodeRecord, encodeNpy, encodeRecord, isNewer, Random, sha256 } from '@cryfold/core';
import { decodeResults } from '@cryfold/evaluation';
import { decodeManifest, decodePlan, foldFailureSchema, foldResultSchema, parseSpec, planRun } from '@cryfold/plan';
import { runPayload, workPayload } from '@cryfold/queue';
import { TINY_SPEC } from './command.js';

const ROUNDS = 3000;

const spec = parseSpec(TINY_SPEC, 'tiny');
const manifest = {
  format: 1 as const,
  name: 'm',
  contentHash: sha256('m'),
  grouped: false,
  classes: ['a', 'b'],
  clips: ['a', 'b', 'a'].map((label, i) => ({ id: `c${i}`, label, group: 'g' })),
};
const splits = [{ repeat: 0, fold: 0, train: Int32Array.of(0, 1), test: Int32Array.of(2) }];
const artifact = { key: 'folds/x', sha256: sha256('x') };
const result = {
  format: 1,
  key: sha256('k'),
  attempt: 'a',
  probabilities: artifact,
  curve: [],
  seconds: 1,
  environment: {},
};
const failure = { format: 1, key: sha256('k'), trial: 't', error: new CryfoldError('CHILD_DIED', 'm').toRecord() };
const fold = { format: 1, kind: 'fold', run: 'r', key: sha256('k') };

/** The readers to test: for each of them, valid bytes and the function that reads them. */
const readers: Record<string, { good: Uint8Array; read: (bytes: Uint8Array) => unknown }> = {
  npy: {
    good: encodeNpy(Float64Array.of(1, 2, 3, 4, 5, 6), [2, 3]),
    read: (bytes) => decodeNpy(bytes, '<f8', 2, 'fuzz'),
  },
  'spec YAML': {
    good: new TextEncoder().encode(TINY_SPEC),
    read: (bytes) => parseSpec(new TextDecoder().decode(bytes), 'fuzz'),
  },
  plan: { good: encodeRecord(planRun({ spec, manifest, splits })), read: (bytes) => decodePlan(bytes, 'fuzz') },
  manifest: { good: encodeRecord(manifest), read: (bytes) => decodeManifest(bytes, 'fuzz') },
  'fold result': { good: encodeRecord(result), read: (bytes) => decodeRecord(foldResultSchema, bytes, 'fuzz') },
  'fold failure': { good: encodeRecord(failure), read: (bytes) => decodeRecord(foldFailureSchema, bytes, 'fuzz') },
  'fold job': { good: encodeRecord(fold), read: (bytes) => decodeRecord(workPayload, bytes, 'fuzz') },
  'run job': {
    good: encodeRecord({ format: 1, kind: 'run', run: 'r' }),
    read: (bytes) => decodeRecord(runPayload, bytes, 'fuzz'),
  },
};

/** Returns a copy in which some bytes are changed, removed, repeated or replaced. */
function mutate(good: Uint8Array, random: Random): Uint8Array {
  let bytes = Buffer.from(good);
  const at = () => Math.floor(random.uniform(0, bytes.length));
  for (let changes = 1 + Math.floor(random.uniform(0, 4)); changes > 0 && bytes.length > 0; changes--) {
    const [from, to] = [at(), at()].sort((a, b) => a - b);
    const kind = Math.floor(random.uniform(0, 5));
    if (kind === 0) bytes[from] = random.uint32() & 255;
    else if (kind === 1) bytes = bytes.subarray(0, from);
    else if (kind === 2) bytes = Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
    else if (kind === 3) bytes = Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)]);
    // Digits, quotes and brackets are the most likely to confuse a parser.
    else bytes[from] = '0919-+.eE"\'{}[]:,&*!|> \n'.charCodeAt(Math.floor(random.uniform(0, 24)));
  }
  return new Uint8Array(bytes);
}

for (const [name, { good, read }] of Object.entries(readers)) {
  test(`reads ${ROUNDS} damaged inputs of ${name} quickly, or refuses them with a code`, () => {
    read(good);
    const random = new Random(1);
    let refused = 0;
    const started = performance.now();
    for (let round = 0; round < ROUNDS; round++) {
      const bytes = mutate(good, random);
      try {
        read(bytes);
      } catch (error) {
        refused++;
        const shown = () => `${String((error as Error).stack)}\n${Buffer.from(bytes).toString('latin1').slice(0, 500)}`;
        // With a changed format number, a record looks as if a newer version had written it, and older versions do not
        // read such records.
        assert.ok(error instanceof CryfoldError && (error.failure === 'input' || isNewer(error)), shown());
      }
    }
    assert.ok(refused > ROUNDS / 4, `only ${refused} refused`);
    assert.ok(performance.now() - started < 60_000, 'a damaged input took too long');
  });
}

test('refuses, with an error code, any file other than results.json', () => {
  for (const text of ['', '{', 'null', '[]', '{"format":1}', '{"__proto__":{}}', '"x"', '1e999']) {
    assert.throws(() => decodeResults(new TextEncoder().encode(text), 'fuzz'), CryfoldError, text);
  }
});
