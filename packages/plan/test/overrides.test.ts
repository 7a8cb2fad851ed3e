import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyOverrides } from '../src/overrides.js';
import { evaluationsOf } from '../src/protocol-names.js';
import { parseSpec } from '../src/spec.js';

const spec = parseSpec(
  `version: 1
name: p
protocol: { splitter: ShuffleSplit, testSize: 0.4, repeats: 3 }
estimators: { a: { kind: svm }, b: { kind: svm } }
fusion: { mean: { members: [a, b] } }`,
  'x',
);
const protocolOf = (flags: object) => applyOverrides(spec, flags, () => {}).protocol;

test('paper stands for both of its protocols, and each is evaluated once', () => {
  assert.deepEqual(evaluationsOf([]), []);
  assert.deepEqual(evaluationsOf(['paper']), ['paper-split', 'paper-folds']);
  assert.deepEqual(evaluationsOf(['logo', 'paper-folds', 'paper', 'grouped', 'logo']), [
    ...['logo', 'paper-folds', 'paper-split', 'grouped'],
  ]);
  for (const name of ['magic', 'constructor', '']) assert.throws(() => evaluationsOf([name]), /there is no protocol/);
});

test('a protocol by name replaces the spec’s, and flags that its splitter does not take are left out', () => {
  const flags = { folds: 3, repeats: 2 };
  assert.deepEqual(protocolOf({}), spec.protocol);
  assert.deepEqual(protocolOf({ ...flags, protocol: 'paper-split' }), {
    ...{ splitter: 'ShuffleSplit', folds: 5, repeats: 1, testSize: 0.2 },
  });
  assert.deepEqual(protocolOf({ ...flags, protocol: 'paper-folds' }), { splitter: 'RepeatedKFold', ...flags });
  assert.deepEqual(protocolOf({ ...flags, protocol: 'grouped' }), { splitter: 'StratifiedGroupKFold', ...flags });
  for (const [protocol, splitter] of [
    ['logo', 'LeaveOneGroupOut'],
    ['predefined', 'PredefinedSplit'],
  ]) {
    assert.deepEqual(protocolOf({ ...flags, protocol }), { splitter, folds: 5, repeats: 1 });
  }
});

test('the paper’s protocols do not take folds and repeats from the spec, only from flags; grouped folds do', () => {
  const paper = { splitter: 'RepeatedKFold', folds: 5, repeats: 10 };
  const short = { ...spec, protocol: { splitter: 'RepeatedKFold' as const, folds: 3, repeats: 2 } };
  for (const from of [spec, short]) {
    assert.deepEqual(applyOverrides(from, { protocol: 'paper-folds' }, () => {}).protocol, paper);
    const { protocol } = applyOverrides(from, { protocol: 'paper-folds', repeats: 1 }, () => {});
    assert.deepEqual(protocol, { ...paper, repeats: 1 });
    const split = applyOverrides(from, { protocol: 'paper-split' }, () => {}).protocol;
    assert.deepEqual(split, { splitter: 'ShuffleSplit', folds: 5, repeats: 1, testSize: 0.2 });
  }
  const { protocol } = applyOverrides(short, { protocol: 'grouped' }, () => {});
  assert.deepEqual(protocol, { splitter: 'StratifiedGroupKFold', folds: 3, repeats: 2 });
});

test('a flag that the spec’s own splitter does not take is refused', () => {
  const logo = { ...spec, protocol: { splitter: 'LeaveOneGroupOut' as const, folds: 5, repeats: 1 } };
  assert.throws(
    () => applyOverrides(logo, { folds: 3 }, () => {}),
    /protocol\.folds: LeaveOneGroupOut takes no number/,
  );
  assert.throws(() => applyOverrides(logo, { repeats: 3 }, () => {}), /protocol\.repeats/);
});

test('a fitted fusion is left out of a split that it cannot be fitted on, and named', () => {
  const members = ['a', 'b'];
  const folds = { splitter: 'RepeatedKFold', folds: 5, repeats: 10 } as const;
  const stacked = { ...spec, protocol: folds, fusion: { ...spec.fusion, st: { rule: 'stacked' as const, members } } };
  const said: string[] = [];
  const { fusion } = applyOverrides(stacked, { protocol: 'paper-split' }, (text) => said.push(text));
  assert.deepEqual(Object.keys(fusion), ['mean']);
  assert.match(said.join(), /^st is left out: ShuffleSplit never tests/);
});

test('a nested fusion is left out under a protocol that takes no number of folds', () => {
  const members = Object.keys(spec.estimators);
  const fusion = { st: { rule: 'stacked' as const, members, nested: true } };
  const folds = { splitter: 'RepeatedKFold', folds: 5, repeats: 10 } as const;
  const said: string[] = [];
  const changed = applyOverrides({ ...spec, protocol: folds, fusion }, { protocol: 'logo' }, (text) => said.push(text));
  assert.deepEqual(changed.fusion, {});
  assert.match(said.join(), /st is left out: LeaveOneGroupOut takes no number of inner folds/);
});

test('a nested search is refused under a protocol without folds to ask for', () => {
  const searched = parseSpec(
    `version: 1
name: s
estimators: { a: { kind: svm } }
search: { algorithm: random, trials: 2, nested: { inner: 3 }, space: { a: { C: { log: [1, 100] } } } }`,
    'x',
  );
  assert.throws(() => applyOverrides(searched, { protocol: 'logo' }, () => {}), /search\.nested: LeaveOneGroupOut/);
});
