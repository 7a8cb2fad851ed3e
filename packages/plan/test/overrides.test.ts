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

test('the protocol `paper` expands to both of the paper’s protocols, and each is evaluated once', () => {
  assert.deepEqual(evaluationsOf([]), []);
  assert.deepEqual(evaluationsOf(['paper']), ['paper-split', 'paper-folds']);
  assert.deepEqual(evaluationsOf(['logo', 'paper-folds', 'paper', 'grouped', 'logo']), [
    ...['logo', 'paper-folds', 'paper-split', 'grouped'],
  ]);
  for (const name of ['magic', 'constructor', '']) assert.throws(() => evaluationsOf([name]), /there is no protocol/);
});

test('a named protocol replaces the spec’s protocol, and ignores flags that its splitter does not support', () => {
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

test('the paper’s protocols get folds and repeats only from flags, and grouped also gets them from the spec', () => {
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

test('rejects a flag that the spec’s own splitter does not support', () => {
  const logo = { ...spec, protocol: { splitter: 'LeaveOneGroupOut' as const, folds: 5, repeats: 1 } };
  assert.throws(
    () => applyOverrides(logo, { folds: 3 }, () => {}),
    /protocol\.folds: LeaveOneGroupOut does not support a number/,
  );
  assert.throws(() => applyOverrides(logo, { repeats: 3 }, () => {}), /protocol\.repeats/);
});

test('skips a fusion that cannot be fitted on the split, and reports its name', () => {
  const members = ['a', 'b'];
  const folds = { splitter: 'RepeatedKFold', folds: 5, repeats: 10 } as const;
  const stacked = { ...spec, protocol: folds, fusion: { ...spec.fusion, st: { rule: 'stacked' as const, members } } };
  const lines: string[] = [];
  const { fusion } = applyOverrides(stacked, { protocol: 'paper-split' }, (text) => lines.push(text));
  assert.deepEqual(Object.keys(fusion), ['mean']);
  assert.match(lines.join(), /^st is skipped: ShuffleSplit never tests/);
});

test('skips a nested fusion under a protocol without a number of folds', () => {
  const members = Object.keys(spec.estimators);
  const fusion = { st: { rule: 'stacked' as const, members, nested: true } };
  const folds = { splitter: 'RepeatedKFold', folds: 5, repeats: 10 } as const;
  const lines: string[] = [];
  const changed = applyOverrides({ ...spec, protocol: folds, fusion }, { protocol: 'logo' }, (text) =>
    lines.push(text),
  );
  assert.deepEqual(changed.fusion, {});
  assert.match(
    lines.join(),
    /st is skipped: a nested fusion needs a number of inner folds, which LeaveOneGroupOut does not support/,
  );
});

test('rejects a nested search under a protocol without a number of folds', () => {
  const searched = parseSpec(
    `version: 1
name: s
estimators: { a: { kind: svm } }
search: { algorithm: random, trials: 2, nested: { inner: 3 }, space: { a: { C: { log: [1, 100] } } } }`,
    'x',
  );
  assert.throws(() => applyOverrides(searched, { protocol: 'logo' }, () => {}), /search\.nested: LeaveOneGroupOut/);
});
