import assert from 'node:assert/strict';
import { test } from 'node:test';
import { specSchema } from '@cryfold/plan';
import { checkComputable, checkKeepable, configurationOf, isKeepable } from '../src/index.js';

const command = { kind: 'command', run: ['python3', 'train.py'] };
const spec = specSchema.parse({
  ...{ version: 1, name: 'kept' },
  estimators: { svm: { kind: 'svm' }, alone: command, both: { ...command, predict: ['python3', 'predict.py'] } },
  fusion: { all: { members: ['svm', 'alone'] }, kept: { members: ['svm', 'both'] } },
});

test('saves a command estimator that has `predict`, and otherwise reports the missing key', () => {
  for (const of of ['svm', 'both', 'kept']) assert.ok(isKeepable(spec, of), of);
  for (const of of ['alone', 'all']) {
    assert.ok(!isKeepable(spec, of), of);
    assert.throws(() => checkKeepable(spec, of), {
      ...{ code: 'USAGE', message: /^alone: .*kind command .* without predict: \[PROGRAM, \.\.\.\]$/ },
      hint: /^Add predict: \[PROGRAM, \.\.\.\] to estimators\.alone and run the spec again \(.*\), or choose a model without alone\.$/,
    });
  }
});

test('accepts estimators of kinds that this version does not support', () => {
  const other = { ...spec, estimators: { ...spec.estimators, new: { kind: 'of-a-newer-version' } } } as never;
  assert.ok(isKeepable(other, 'new'));
});

const external = { kind: 'external', file: 'a.npy', clips: 'a.csv', sha256: 'a'.repeat(64), columns: 3 };
const given = specSchema.parse({
  ...{ version: 1, name: 'given', features: { kind: 'spectrogram' }, featureSets: { given: external } },
  estimators: {
    pixels: { kind: 'svm' },
    vectors: { kind: 'svm', features: 'given' },
    joint: { kind: 'two-branch', vectors: 'given' },
  },
  fusion: { both: { members: ['pixels', 'vectors'] } },
});

test('refuses final models that need vectors from files', () => {
  const refused = (of: string) => ({ code: 'FEATURES_EXTERNAL', message: new RegExp(`^${of} reads external vectors`) });
  checkComputable(given, 'pixels');
  for (const of of ['vectors', 'joint', 'both']) assert.throws(() => checkComputable(given, of), refused(of));
  // A model computes the first feature set of its spec, even if no member reads it.
  const first = { ...given, features: external, featureSets: { images: given.features } } as never as typeof given;
  const pixels = { ...given.estimators.pixels, features: 'images' };
  assert.throws(() => checkComputable({ ...first, estimators: { pixels } }, 'pixels'), refused('pixels'));
});

test('bases the configuration of a model on the content of external vectors, not on their file names', () => {
  const of = (change: object) => {
    const featureSets = { given: { ...external, clipSeconds: 1, ...change } } as typeof given.featureSets;
    return ['vectors', 'joint', 'both'].map((name) => configurationOf({ ...given, featureSets }, name));
  };
  assert.deepEqual(of({ file: 'moved/b.npy', clips: 'b.csv' }), of({}));
  for (const [i, text] of of({ sha256: 'b'.repeat(64) }).entries()) assert.notEqual(text, of({})[i]);
});

test('compares all parameters of feature sets that only another version supports', () => {
  const later = (size: number) => ({ ...given, features: { kind: 'of-a-newer-version', size } }) as never;
  assert.notEqual(configurationOf(later(1), 'pixels'), configurationOf(later(2), 'pixels'));
});
