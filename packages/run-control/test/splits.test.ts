import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CryfoldError } from '@cryfold/core';
import { parseSpec } from '@cryfold/plan';
import { allSplits, makeSplits } from '../src/index.js';

const spec = (protocol: string, more = '') =>
  parseSpec(
    `version: 1\nname: p\nprotocol: ${protocol}\nestimators: { a: { kind: svm }, b: { kind: svm } }\n${more}`,
    'x',
  );
const clips = Array.from({ length: 12 }, (_, i) => ({
  label: i % 2 ? 'x' : 'y',
  group: `g${i}`,
  fold: ['1', '2', ''][i % 3],
}));
const data = { classes: ['x', 'y'], clips };
const refused = (code: string, message: RegExp) => (error: unknown) =>
  error instanceof CryfoldError && error.code === code && message.test(error.message);

test('PredefinedSplit uses the folds in the data', () => {
  const splits = makeSplits(spec('{ splitter: PredefinedSplit }'), data);
  assert.deepEqual(
    splits.map((split) => [...split.test]),
    [
      [0, 3, 6, 9],
      [1, 4, 7, 10],
    ],
  );
  assert.ok(splits.every(({ train }) => train.length === 8));
  const unnamed = { ...data, clips: clips.map(({ fold: _, ...clip }) => clip) };
  assert.throws(
    () => makeSplits(spec('{ splitter: PredefinedSplit }'), unnamed),
    refused('SPLIT_IMPOSSIBLE', /does not specify/),
  );
});

test('refuses only grouped splitters if groups are unknown, and suggests flags', () => {
  const unknown = { ...data, groupSource: { kind: 'none' } as const, groupHints: ['pass --group-by X'] };
  for (const splitter of ['StratifiedGroupKFold', 'GroupKFold', 'LeaveOneGroupOut']) {
    const own = spec(`{ splitter: ${splitter}${splitter === 'LeaveOneGroupOut' ? '' : ', folds: 2'} }`);
    assert.throws(() => makeSplits(own, unknown), refused('GROUPS_UNKNOWN', /pass --group-by X/));
    for (const kind of ['column', 'recording', 'sounds'] as const) {
      assert.ok(makeSplits(own, { ...data, groupSource: { kind } }).length >= 2);
    }
    assert.ok(makeSplits(own, data).length >= 2, 'manifests of earlier versions are split as before');
  }
  assert.equal(makeSplits(spec('{ folds: 2, repeats: 1 }'), unknown).length, 2);
});

test('refuses a fitted fusion before training if some training clips are never tested', () => {
  const stacked = 'fusion: { f: { rule: stacked, members: [a, b] } }';
  const own = spec('{ splitter: PredefinedSplit }', stacked);
  assert.throws(
    () => makeSplits(own, data),
    refused('SPEC_INVALID', /fusion\.f\.rule: stacked learns .* PredefinedSplit never/),
  );
  const tested = { ...data, clips: clips.map((clip, i) => ({ ...clip, fold: String(i % 3) })) };
  assert.equal(makeSplits(own, tested).length, 3);
  assert.equal(makeSplits(spec('{ splitter: LeaveOneGroupOut }', stacked), data).length, 12);
});

test('refuses unusable inner folds, and reports their outer fold', () => {
  const nested =
    'search: { algorithm: random, trials: 2, nested: { inner: 4 }, space: { a: { C: { log: [1, 100] } } } }';
  const infants = [
    [0, 7],
    [0, 4],
    [0, 1],
    [1, 5],
    [1, 2],
    [0, 6],
    [1, 6],
  ] as const;
  const uneven = infants.flatMap(([label, size], group) =>
    Array.from({ length: size }, () => ({ label: data.classes[label], group: `g${group}` })),
  );
  const own = { classes: data.classes, clips: uneven };
  assert.throws(
    () => allSplits(spec('{ splitter: StratifiedGroupKFold, folds: 2, repeats: 1 }', nested), own),
    (error) => error instanceof CryfoldError && /^(inside repeat 0 fold \d: )/.test(error.message),
  );
});
