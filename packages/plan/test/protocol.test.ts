import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CryfoldError, datasetKey, encodeRecord, LIMITS, sha256 } from '@cryfold/core';
import { checkPlanSize, checkSpec, decodeForeignManifest, parseSpec, planRun } from '../src/index.js';

const written = (protocol: string, more = '') =>
  parseSpec(
    `version: 1\nname: p\nprotocol: ${protocol}\nestimators: { a: { kind: svm }, b: { kind: svm } }\n${more}`,
    'x',
  );

test('a splitter that does not support repeats has one repeat, and the spec round-trips', () => {
  for (const splitter of ['LeaveOneGroupOut', 'PredefinedSplit', 'KFold', 'StratifiedKFold']) {
    const spec = written(`{ splitter: ${splitter} }`);
    assert.deepEqual(spec.protocol, { splitter, folds: 5, repeats: 1 });
    assert.deepEqual(checkSpec(spec, 'x'), spec);
  }
  assert.equal(written('{ splitter: ShuffleSplit, testSize: 0.3 }').protocol.repeats, 10);
});

test('rejects settings that a splitter does not support', () => {
  const cases: [string, string, RegExp][] = [
    [
      '{ splitter: LeaveOneGroupOut, repeats: 2 }',
      '',
      /protocol\.repeats: LeaveOneGroupOut does not support repeats: write repeats: 1$/,
    ],
    ['{ splitter: KFold, repeats: 2 }', '', /or splitter: RepeatedKFold$/],
    ['{ splitter: LeaveOneGroupOut, folds: 3 }', '', /protocol\.folds: LeaveOneGroupOut does not support a number/],
    ['{ splitter: ShuffleSplit, folds: 3 }', '', /protocol\.folds/],
    ['{ testSize: 0.2 }', '', /protocol\.testSize: RepeatedKFold does not support a test size/],
    ['{ splitter: ShuffleSplit, testSize: 1 }', '', /protocol\.testSize/],
    ['{ splitter: ShuffleSplit }', 'fusion: { f: { rule: stacked, members: [a, b] } }', /fusion\.f\.rule: stacked/],
    [
      '{ splitter: LeaveOneGroupOut }',
      'search: { algorithm: random, trials: 2, nested: { inner: 3 }, space: { a: { C: { log: [1, 100] } } } }',
      /search\.nested: LeaveOneGroupOut/,
    ],
  ];
  for (const [protocol, more, message] of cases) {
    assert.throws(
      () => written(protocol, more),
      (error) => error instanceof CryfoldError && error.code === 'SPEC_INVALID' && message.test(error.message),
      protocol,
    );
  }
});

const clips = (count: number) =>
  Array.from({ length: count }, (_, i) => ({
    id: `c${i}`,
    label: i % 2 ? 'a' : 'b',
    group: `g${i}`,
    hash: sha256(`${i}`),
  }));

test('checks the number of folds before computing any fold, even if it depends on the data', () => {
  const spec = written('{ splitter: LeaveOneGroupOut }');
  checkPlanSize(spec, { classes: ['a', 'b'], clips: clips(1000) });
  const many = { classes: ['a', 'b'], clips: clips(LIMITS.folds + 1) };
  assert.throws(
    () => checkPlanSize(spec, many),
    (error) => error instanceof CryfoldError && error.code === 'PLAN_TOO_LARGE' && /^folds: 10,001/.test(error.message),
  );
});

test('plans with newer splitters have a format that earlier versions report as newer', () => {
  const own = clips(4);
  const manifest = {
    ...{ format: 1 as const, name: 'toy', contentHash: datasetKey(own), grouped: false, classes: ['a', 'b'] },
    clips: own,
  };
  const splits = [{ repeat: 0, fold: 0, train: Int32Array.of(0, 1), test: Int32Array.of(2, 3) }];
  const formatOf = (splitter: string) =>
    planRun({ spec: written(`{ splitter: ${splitter}, repeats: 1 }`), manifest, splits }).format;
  assert.equal(formatOf('StratifiedGroupKFold'), 1);
  for (const splitter of ['ShuffleSplit', 'LeaveOneGroupOut', 'PredefinedSplit']) assert.equal(formatOf(splitter), 2);
});

test('plans with newer kinds or options of feature sets have a format that earlier versions report as newer', () => {
  const own = clips(4);
  const manifest = {
    ...{ format: 1 as const, name: 'toy', contentHash: datasetKey(own), grouped: false, classes: ['a', 'b'] },
    clips: own,
  };
  const formatOf = (features: string) => {
    const source = `{ version: 1, name: toy, features: ${features}, estimators: { cnn: { kind: small-cnn } } }`;
    return planRun({ spec: parseSpec(source, 'toy'), manifest, splits: [] }).format;
  };
  assert.equal(formatOf('{ height: 64 }'), 1);
  assert.equal(formatOf('{ kind: mel-spectrogram }'), 4);
  assert.equal(formatOf('{ dynamicRange: 80 }'), 4);
  assert.equal(formatOf('{ height: 600 }'), 4);
  assert.equal(formatOf('{ images: { kind: spectrogram }, voice: { kind: mfcc } }'), 4);
});

test('a manifest with folds round-trips and must match its key', () => {
  const own = clips(4).map((clip, i) => ({ ...clip, fold: i < 2 ? '1' : '' }));
  const manifest = {
    format: 2,
    name: 'toy',
    contentHash: datasetKey(own),
    grouped: false,
    classes: ['a', 'b'],
    clips: own,
  };
  const decode = (value: object) => decodeForeignManifest(encodeRecord(value), 'm');
  assert.deepEqual(
    decode(manifest).clips.map(({ fold }) => fold),
    ['1', '1', '', ''],
  );
  const moved = own.map((clip) => ({ ...clip, fold: '1' }));
  assert.throws(() => decode({ ...manifest, clips: moved }), /contentHash does not match the clips/);
});

test('the fold of a clip is part of the dataset key, and the key of a dataset without folds is unchanged', () => {
  const own = clips(3);
  assert.equal(datasetKey(own), datasetKey(own.map((clip) => ({ ...clip, fold: undefined }))));
  assert.notEqual(datasetKey(own), datasetKey(own.map((clip) => ({ ...clip, fold: '' }))));
});
