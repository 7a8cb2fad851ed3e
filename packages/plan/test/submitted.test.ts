import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSpec, storedWeights, submittedWeights } from '../src/index.js';

const HASH = 'a'.repeat(64);
const STORED = `store:weights/${HASH}.h5#sha256=${HASH}`;
const ELSEWHERE = [
  '/etc/passwd',
  'weights.h5',
  '../weights.h5',
  'file:///etc/passwd',
  `http://169.254.169.254/latest#sha256=${HASH}`,
  `https://example.org/w.h5#sha256=${HASH}`,
  `store:weights/${HASH}.h5`,
  `store:weights/${HASH}.h5#sha256=${'b'.repeat(64)}`,
  `store:weights/${HASH}.h5#md5=${'a'.repeat(32)}`,
  `store:runs/x/plan.json#sha256=${HASH}`,
  `${STORED}\n`,
  ` ${STORED}`,
  STORED.toUpperCase(),
];

const spec = (weights: string, search = '') =>
  parseSpec(
    `version: 1\nname: x\nestimators:\n  net: { kind: tl-resnet50, weights: ${JSON.stringify(weights)} }\n${search}`,
    'spec',
  );
const searching = (...choices: string[]) =>
  spec('random', `search: { space: { net: { weights: { choice: ${JSON.stringify(choices)} } } } }`);

test('a submitted spec may refer to weights only by their content', () => {
  assert.deepEqual([...submittedWeights(spec('random'))], []);
  assert.deepEqual([...submittedWeights(spec(STORED))], [HASH]);
  assert.equal(storedWeights(STORED), HASH);
  for (const source of ELSEWHERE) {
    assert.throws(() => submittedWeights(spec(source)), { code: 'SPEC_INVALID', message: /estimators\.net\.weights/ });
    assert.equal(storedWeights(source), undefined);
  }
});

test('the searched values of a submitted sweep may also refer to weights only by their content', () => {
  assert.deepEqual([...submittedWeights(searching('random', STORED))], [HASH]);
  for (const source of ELSEWHERE) {
    const message = /search\.space\.net\.weights/;
    assert.throws(() => submittedWeights(searching('random', source)), { code: 'SPEC_INVALID', message });
  }
});
