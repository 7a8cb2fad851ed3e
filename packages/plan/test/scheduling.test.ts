import assert from 'node:assert/strict';
import { test } from 'node:test';
import { repeatedKFold } from '@cryfold/evaluation';
import { changeScheduling, initialScheduling, parseSpec, planRun } from '../src/index.js';

const plan = (rest: string) => {
  const spec = parseSpec(`version: 1\nname: small\nestimators: { svm: { kind: svm } }\n${rest}`, 'spec.yaml');
  const clips = Array.from({ length: 6 }, (_, i) => ({ id: `${i}`, label: 'ab'[i % 2], group: `${i}` }));
  const manifest = { format: 1 as const, name: 'x', contentHash: '0'.repeat(64), grouped: true, classes: ['a', 'b'] };
  return planRun({
    spec,
    manifest: { ...manifest, clips },
    splits: repeatedKFold(6, { splits: 3, repeats: 1, seed: 0 }),
  });
};

test('scheduling is not part of the identity of a run', () => {
  const [plain, urgent] = [plan(''), plan('priority: high\nmaxParallel: 4')];
  assert.equal(urgent.run, plain.run);
  assert.deepEqual(urgent.jobs, plain.jobs);
  assert.deepEqual(initialScheduling(urgent.spec), { priority: 'high', maxParallel: 4, paused: false });
});

test('a change of scheduling leaves settings that it does not contain unchanged, and null removes the limit', () => {
  const before = { priority: 'low', maxParallel: 3, paused: false } as const;
  assert.deepEqual(changeScheduling(before, { paused: true }), { ...before, paused: true });
  assert.deepEqual(changeScheduling(before, { maxParallel: null }), { priority: 'low', paused: false });
});
