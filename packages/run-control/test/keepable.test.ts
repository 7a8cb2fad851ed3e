import assert from 'node:assert/strict';
import { test } from 'node:test';
import { specSchema } from '@cryfold/plan';
import { checkKeepable, isKeepable } from '../src/index.js';

const command = { kind: 'command', run: ['python3', 'train.py'] };
const spec = specSchema.parse({
  ...{ version: 1, name: 'kept' },
  estimators: { svm: { kind: 'svm' }, alone: command, both: { ...command, predict: ['python3', 'predict.py'] } },
  fusion: { all: { members: ['svm', 'alone'] }, kept: { members: ['svm', 'both'] } },
});

test('a command is kept where it says how to predict, and else named with the key that it lacks', () => {
  for (const of of ['svm', 'both', 'kept']) assert.ok(isKeepable(spec, of), of);
  for (const of of ['alone', 'all']) {
    assert.ok(!isKeepable(spec, of), of);
    assert.throws(() => checkKeepable(spec, of), {
      ...{ code: 'USAGE', message: /^alone: .*kind command .* without predict: \[PROGRAM, \.\.\.\]$/ },
      hint: /^Add predict: \[PROGRAM, \.\.\.\] to estimators\.alone and run the spec again/,
    });
  }
});

test('a model whose estimator is of a kind that this version does not know is not called unkeepable', () => {
  const other = { ...spec, estimators: { ...spec.estimators, new: { kind: 'of-a-newer-version' } } } as never;
  assert.ok(isKeepable(other, 'new'));
});
