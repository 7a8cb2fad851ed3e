import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkRuntimes, estimatorKinds, kindOf } from '../src/index.js';

test('checks what several kinds need only once, and reports what is missing', async () => {
  const [svm, network] = [kindOf({ kind: 'svm' }), kindOf({ kind: 'small-cnn' })];
  let checks = 0;
  const counts = { ...network, checkRuntime: async () => ++checks };
  await checkRuntimes([counts, svm, { ...counts, kind: 'another' }]);
  assert.equal(checks, 1);
  const fails = { ...network, checkRuntime: () => Promise.reject(new Error('TensorFlow is missing')) };
  await assert.rejects(checkRuntimes([svm, counts, fails]), /TensorFlow is missing/);
});

test('all networks share the check for TensorFlow', () => {
  const checks = new Set(estimatorKinds.flatMap(({ checkRuntime }) => checkRuntime ?? []));
  assert.equal(checks.size, 1);
});
