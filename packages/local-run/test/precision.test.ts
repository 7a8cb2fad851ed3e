import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkSpec } from '@cryfold/plan';
import { precisionSpeeds } from '../src/precision.js';

const spec = checkSpec(
  {
    version: 1,
    name: 'precision',
    features: { kind: 'spectrogram', height: 24, width: 24 },
    estimators: {
      full: { kind: 'small-cnn', filters: [2, 2, 2], dense: [4] },
      reduced: { kind: 'small-cnn', filters: [2, 2, 2], dense: [4], precision: 'bfloat16' },
      svm: { kind: 'svm' },
    },
  },
  'precision',
);
const dataset = { classes: ['a', 'b'] };

test('compares a network with float32 only if its precision is reduced, and caches both measurements', async (t) => {
  const cacheDir = await mkdtemp(join(tmpdir(), 'cryfold-precision-'));
  t.after(() => rm(cacheDir, { recursive: true }));
  let starts = 0;
  const options = { cacheDir, onStart: () => starts++ };
  const speeds = await precisionSpeeds({ spec, dataset }, options);
  assert.deepEqual(
    speeds.map(({ estimator, precision }) => [estimator, precision]),
    [['reduced', 'bfloat16']],
  );
  assert.ok(speeds[0].ratio > 0);
  assert.equal((await readdir(join(cacheDir, 'calibration'))).length, 2);
  assert.deepEqual(await precisionSpeeds({ spec, dataset }, options), speeds);
  assert.equal(starts, 1);
  const { full, svm } = spec.estimators;
  assert.deepEqual(await precisionSpeeds({ spec: { ...spec, estimators: { full, svm } }, dataset }, options), []);
});
