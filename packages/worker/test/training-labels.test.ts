import assert from 'node:assert/strict';
import { test } from 'node:test';
import { trainingLabels } from '../src/task-runner.js';

const labels = Int32Array.from({ length: 100 }, (_, i) => i % 3);
const task = { train: Array.from({ length: 80 }, (_, i) => i), seed: 7 };

test('shuffles only the labels of training rows, reproducibly for a seed', () => {
  assert.equal(trainingLabels(labels, { ...task, shuffled: false }), labels);
  const before = labels.slice();
  const shuffled = trainingLabels(labels, { ...task, shuffled: true });
  assert.deepEqual(labels, before, 'the shared labels are unchanged');
  assert.deepEqual(shuffled.subarray(80), labels.subarray(80), 'test rows keep theirs');
  assert.deepEqual(shuffled.slice(0, 80).sort(), labels.slice(0, 80).sort());
  const kept = shuffled.subarray(0, 80).filter((label, i) => label === labels[i]).length;
  assert.ok(kept > 10 && kept < 45, `about a third is unchanged by chance: ${kept} of 80`);
  assert.deepEqual(trainingLabels(labels, { ...task, shuffled: true }), shuffled);
  assert.notDeepEqual(trainingLabels(labels, { ...task, shuffled: true, seed: 8 }), shuffled);
});
