import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CryfoldError, canonicalJson } from '@cryfold/core';
import { parseSpec, planRun } from '../src/index.js';

const paper = readFileSync(fileURLToPath(new URL('../../../../specs/paper.yaml', import.meta.url)), 'utf8');

test('specs/paper.yaml has the paper’s parameters', () => {
  const spec = parseSpec(paper, 'paper.yaml');
  const { 'small-cnn': cnn, 'tl-resnet50': resnet, svm } = spec.estimators;
  assert.deepEqual(spec.protocol, { splitter: 'RepeatedKFold', folds: 5, repeats: 10 });
  assert.ok(cnn.kind === 'small-cnn' && resnet.kind === 'tl-resnet50' && svm.kind === 'svm');
  assert.deepEqual([cnn.learningRate, cnn.batchSize, cnn.epochs], [1e-4, 50, 10]);
  assert.deepEqual([resnet.learningRate, resnet.batchSize, resnet.epochs, resnet.dropout], [1e-4, 50, 3, 0.25]);
  assert.deepEqual([svm.kernel, svm.C, svm.gamma], ['rbf', 1000, 'scale']);
  assert.deepEqual(spec.fusion.combined, { rule: 'mean', members: ['tl-resnet50', 'svm'] });
});

test('reports the file, line and key of an error in a spec', () => {
  const cases: [string, RegExp][] = [
    [paper.replace('epochs: 3', 'epochs: -3'), /^paper\.yaml:35: estimators\.tl-resnet50\.epochs: /],
    [paper.replace('epochs: 3', 'epoch: 3'), /estimators\.tl-resnet50\.epoch: /],
    [paper.replace('gamma: scale', 'gamma: [1]'), /estimators\.svm\.gamma/],
    [paper.replace('RepeatedKFold', 'KFold'), /protocol\.repeats.*RepeatedKFold/],
    [paper.replace('RepeatedKFold', 'LeaveOneOut'), /protocol\.splitter/],
    [paper.replace('members: [tl-resnet50, svm]', 'members: [tl-resnet50, magic]'), /fusion\.combined\.members.*magic/],
    [paper.replace('seed: 0', 'seed: 0\nseed: 1'), /^paper\.yaml:\d+: /],
    ['', /^paper\.yaml:1: /],
    ['- a\n', /^paper\.yaml:1: /],
    [paper.replace('  folds: 5', '\tfolds: 5'), /^paper\.yaml:\d+: Tabs are not allowed as indentation/],
    [paper.replace('version: 1', 'version: "1"'), /^paper\.yaml:5: version: /],
  ];
  for (const [source, message] of cases) {
    assert.throws(
      () => parseSpec(source, 'paper.yaml'),
      (error) => error instanceof CryfoldError && error.code === 'SPEC_INVALID' && message.test(error.message),
      String(message),
    );
  }
});

test('reports hostile YAML as SPEC_INVALID', () => {
  const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghij'
    .split('')
    .map((name, i) => `${name}: &${name} [${Array(9).fill(`*${'abcdefghij'[i]}`)}]`)
    .join('\n')}`;
  for (const source of [
    bomb,
    '!!js/function "x"',
    '? [1]: 2',
    '\u0000',
    '{'.repeat(5000),
    'a: *nothing',
    '__proto__: {x: 1}',
  ]) {
    assert.throws(
      () => parseSpec(source, 'x.yaml'),
      (error) => error instanceof CryfoldError && error.code === 'SPEC_INVALID',
      source.slice(0, 40),
    );
  }
});

const manifest = {
  format: 1 as const,
  name: 'd',
  contentHash: 'a'.repeat(64),
  grouped: true,
  classes: ['x', 'y'],
  clips: Array.from({ length: 4 }, (_, i) => ({ id: String(i), label: i % 2 ? 'x' : 'y', group: 'g' })),
};
const splits = [
  { repeat: 0, fold: 0, train: Int32Array.of(0, 1), test: Int32Array.of(2, 3) },
  { repeat: 0, fold: 1, train: Int32Array.of(2, 3), test: Int32Array.of(0, 1) },
];

test('a fold’s key depends only on what affects its result', () => {
  const spec = parseSpec(paper, 'paper.yaml');
  const keys = (changed: typeof spec, data = manifest, folds = splits) =>
    planRun({ spec: changed, manifest: data, splits: folds }).jobs.map(({ trial, key }) => `${trial} ${key}`);
  const base = keys(spec);
  assert.equal(new Set(base).size, 6);
  assert.deepEqual(keys({ ...spec, name: 'other' }), base, 'the name does not matter');
  assert.deepEqual(keys({ ...spec, fusion: {} }), base, 'fusion happens after the folds');
  assert.deepEqual(keys(spec, manifest, splits.slice(0, 1)), base.slice(0, 3), 'more folds do not change the others');
  const differing = (other: string[]) => other.filter((key, i) => key !== base[i]).map((key) => key.split(' ')[0]);
  assert.equal(differing(keys({ ...spec, seed: 1 })).length, 6);
  assert.equal(differing(keys(spec, { ...manifest, contentHash: 'b'.repeat(64) })).length, 6);
  assert.deepEqual(new Set(differing(keys({ ...spec, threads: 2 }))), new Set(['small-cnn', 'tl-resnet50']));
  assert.deepEqual(new Set(differing(keys({ ...spec, xla: true }))), new Set(['small-cnn', 'tl-resnet50']));
  assert.deepEqual(keys({ ...spec, xla: false }), base, 'as before the option existed');
  const grouped = { ...spec, protocol: { ...spec.protocol, splitter: 'StratifiedGroupKFold' as const } };
  assert.deepEqual(differing(keys(grouped)), ['svm', 'svm'], 'its inner folds keep groups whole');
  const nulls = planRun({
    spec: { ...spec, nulls: 2 },
    manifest,
    splits: [splits[0], { ...splits[1], repeat: 1 }],
  }).jobs;
  assert.equal(new Set(nulls.map(({ key }) => key)).size, 12, 'two shuffles of three estimators in the first repeat');
  assert.deepEqual(
    nulls.filter(({ shuffle }) => shuffle === undefined).map(({ trial, key }) => `${trial} ${key}`),
    base,
    'shuffles do not change the folds',
  );
  const svm = { ...spec.estimators.svm, C: 1 } as (typeof spec.estimators)[string];
  assert.deepEqual(differing(keys({ ...spec, estimators: { ...spec.estimators, svm } })), ['svm', 'svm']);
});

test('canonicalJson sorts members at every level and rejects NaN', () => {
  assert.equal(canonicalJson({ b: [{ d: 1, c: undefined, a: null }], a: 'x' }), '{"a":"x","b":[{"a":null,"d":1}]}');
  assert.throws(() => canonicalJson({ a: Number.NaN }), TypeError);
});

test('suggests what was probably meant, and reports the line', () => {
  const cases: [string, RegExp, RegExp][] = [
    [paper.replace('batchSize', 'batchsize'), /:\d+: .*batchsize: there is no such key/, /^Did you mean batchSize\? /],
    [paper.replace('learningRate', 'lr'), /:\d+: .*lr: there is no such key/, /^Did you mean learningRate\? /],
    [
      paper.replace('  C: 1000', '  c: 1000'),
      /:\d+: estimators\.svm\.c: /,
      /^Did you mean C\? Known keys: kind, kernel, C,/,
    ],
    [
      paper.replace('estimators:', 'estimator:'),
      /:\d+: estimator: there is no such key/,
      /^Did you mean estimators\? /,
    ],
    [paper.replace('kind: svm', 'kind: SVM'), /:\d+: estimators\.svm\.kind: there is no "SVM"/, /^Did you mean svm\? /],
    [
      paper.replace('kind: spectrogram', 'kind: spectogram'),
      /features\.kind: there is no/,
      /^Did you mean spectrogram\? /,
    ],
    [paper.replace('RepeatedKFold', 'repeated_kfold'), /:\d+: protocol\.splitter: /, /^Did you mean RepeatedKFold\? /],
    [
      `${paper}\nsearch: { metric: macroF2, space: { svm: { C: { log: [1, 2] } } } }\n`,
      /metric/,
      /^Did you mean macroF1\? /,
    ],
    [
      `${paper}\nsearch: { space: { svn: { C: { log: [1, 2] } } } }\n`,
      /:\d+: search\.space\.svn/,
      /^Did you mean svm\? /,
    ],
    [paper.replace('learningRate: 1e-4', 'learningRate: 0,0001'), /:\d+: .*text, not a number/, /point: 0\.0001\.$/],
    [
      paper.replace('learningRate: 1e-4', 'learningRate: "1e-4"'),
      /:\d+: .*text, not a number/,
      /without quotes: 1e-4\.$/,
    ],
    [paper.replace('small-cnn:', 'Small_CNN:'), /:\d+: estimators\.Small_CNN: use lower-case/, /./],
    [`${paper}---\nseed: 1\n`, /:\d+: a second document starts here/, /./],
    [paper.replace('seed: 0', 'seed: 0\nseed: 1'), /:\d+: the key "seed" occurs twice/, /./],
    [paper.replace('RepeatedKFold', 'LeaveOneGroupOut'), /:\d+: protocol\.repeats: /, /./],
    [[...paper].join('\0'), /:1: the text is not UTF-8/, /./],
  ];
  for (const [source, message, hint] of cases) {
    assert.throws(
      () => parseSpec(source, 'paper.yaml'),
      (error) => error instanceof CryfoldError && message.test(error.message) && hint.test(error.hint ?? ''),
      String(message),
    );
  }
});

test('reads the line endings and number formats of other editors', () => {
  const same = parseSpec(paper, 'paper.yaml');
  for (const text of [paper.replaceAll('\n', '\r\n'), paper.replaceAll('1e-4', '1.e-4')])
    assert.deepEqual(parseSpec(text, 'paper.yaml'), same);
});
