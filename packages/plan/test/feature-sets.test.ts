import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CryfoldError } from '@cryfold/core';
import { featuresKey, featuresOf, parseSpec, planRun, vectorsOf } from '../src/index.js';

const labels = ['a', 'b', 'a', 'b', 'a', 'b'];
const manifest = {
  format: 1 as const,
  name: 'toy',
  contentHash: '0'.repeat(64),
  grouped: false,
  classes: ['a', 'b'],
  clips: labels.map((label, i) => ({ id: `${i}.wav#0`, label, group: `${i}` })),
};
const split = { repeat: 0, fold: 0, train: Int32Array.of(0, 1, 2, 3), test: Int32Array.of(4, 5) };

const spec = (features: string, estimator: string, content = 'a') =>
  parseSpec(
    `version: 1
name: toy
features: ${features.replace('GIVEN', `{ kind: external, file: v.npy, clips: i.csv, columns: 2, sha256: "${content.repeat(64)}" }`)}
estimators: { one: ${estimator} }
`,
    'toy.yaml',
  );
const plan = (...given: Parameters<typeof spec>) => planRun({ spec: spec(...given), manifest, splits: [split] });
const keyOf = (...given: Parameters<typeof spec>) => plan(...given).jobs[0].key;

test('an estimator reads a set of images and a set of vectors, in either order', () => {
  for (const features of ['{ images: { height: 30 }, own: GIVEN }', '{ own: GIVEN, images: { height: 30 } }']) {
    const both = spec(features, '{ kind: two-branch, features: images, vectors: own }');
    assert.deepEqual([featuresOf(both, 'one').kind, vectorsOf(both, 'one')?.kind], ['spectrogram', 'external']);
  }
});

test('the key of a fold depends on both feature sets, not on their names', () => {
  const sets = '{ images: { height: 30 }, own: GIVEN }';
  const one = keyOf(sets, '{ kind: two-branch, vectors: own }');
  assert.equal(
    one,
    keyOf('{ given: GIVEN, pictures: { height: 30 } }', '{ kind: two-branch, features: pictures, vectors: given }'),
  );
  assert.notEqual(one, keyOf(sets, '{ kind: two-branch, vectors: own }', 'b'));
  assert.notEqual(one, keyOf('{ images: { height: 31 }, own: GIVEN }', '{ kind: two-branch, vectors: own }'));
});

test('the names of files with external vectors do not affect keys', () => {
  const { features } = spec('GIVEN', '{ kind: svm }');
  const renamed = { ...features, file: 'other.npy', clips: 'other.csv' } as typeof features;
  assert.equal(featuresKey(renamed, '0'), featuresKey(features, '0'));
});

test('plans with given vectors have a format that earlier versions reject', () => {
  assert.equal(plan('GIVEN', '{ kind: svm }').format, 4);
});

for (const [why, features, estimator, says] of [
  [
    'no set of vectors',
    '{ height: 30 }',
    '{ kind: two-branch }',
    /estimators\.one\.vectors: two-branch also reads vectors/,
  ],
  ['no set of images', 'GIVEN', '{ kind: two-branch }', /estimators\.one\.features: two-branch reads images/],
  [
    'an unknown set',
    '{ a: { height: 30 }, b: GIVEN }',
    '{ kind: two-branch, vectors: c }',
    /there is no feature set c/,
  ],
] as const) {
  test(`rejects an estimator of two feature sets with ${why}`, () => {
    assert.throws(
      () => spec(features, estimator),
      (error: CryfoldError) => error.code === 'SPEC_INVALID' && says.test(error.message),
    );
  });
}
