import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSpec } from '@cryfold/plan';
import { resolveSpecWeights } from '../src/spec-weights.js';

test('does not search an estimator called constructor, although every object has such a member', async () => {
  const spec = parseSpec(
    `version: 1
name: s
estimators: { constructor: { kind: tl-resnet50, weights: random, learningRate: 1.0e-4, epochs: 3 }, b: { kind: svm } }
search: { space: { b: { C: { log: [1, 100] } } } }`,
    'spec.yaml',
  );
  const sources = { cacheDirectory: '/nonexistent', fetchContent: async () => undefined };
  assert.deepEqual(await resolveSpecWeights(spec, sources, new Map()), spec);
});
