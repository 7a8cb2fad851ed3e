import assert from 'node:assert/strict';
import { test } from 'node:test';
import { estimatorSchema } from '@cryfold/estimators';
import { createLogger } from '@cryfold/runtime';
import { GracePeriod } from '../src/grace-period.js';

const cnn = estimatorSchema.parse({ kind: 'small-cnn' });
const svm = estimatorSchema.parse({ kind: 'svm' });

function graceOf(seconds: number) {
  const lines: { msg: string; trial: string }[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) };
  return { grace: new GracePeriod(seconds, createLogger('test', 'info', { destination })), lines };
}

test('saves checkpoints of networks, but a worker that is never drained saves them only on request', () => {
  const { grace } = graceOf(25);
  assert.deepEqual(grace.checkpoint('k', cnn, false), { key: 'k', afterSeconds: 25 });
  assert.deepEqual(grace.checkpoint('k', cnn, true), { key: 'k' });
  assert.equal(grace.checkpoint('k', svm, true), undefined);
  const local = graceOf(Number.POSITIVE_INFINITY).grace;
  assert.equal(local.checkpoint('k', cnn, false), undefined);
  assert.deepEqual(local.checkpoint('k', cnn, true), { key: 'k' });
});

test('warns once per trial whose folds exceed the grace period, and explains the consequence', () => {
  const { grace, lines } = graceOf(25);
  grace.measured({ run: 'r', trial: 'quick' }, 20, cnn);
  for (const fold of [30, 40]) grace.measured({ run: 'r', trial: 'slow' }, fold, cnn);
  grace.measured({ run: 'r', trial: 'svm' }, 30, svm);
  assert.deepEqual(
    lines.map(({ trial }) => trial),
    ['slow', 'svm'],
  );
  assert.match(lines[0].msg, /resumes$/);
  assert.match(lines[1].msg, /restarts when interrupted; raise CRYFOLD_GRACE_SECONDS$/);
});
