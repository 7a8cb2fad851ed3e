import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type DatasetManifest, parseSpec, planRun } from '@cryfold/plan';
import { openStore, RunStore } from '@cryfold/store';
import { summarisePlan } from '../src/plan-summary.js';
import { allSplits } from '../src/splits.js';

test('an estimator called constructor that is not searched is planned once', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'cryfold-plan-'));
  t.after(() => rm(folder, { recursive: true }));
  const spec = parseSpec(
    `version: 1
name: s
protocol: { folds: 3, repeats: 1 }
estimators: { constructor: { kind: svm }, b: { kind: svm } }
search: { trials: 4, space: { b: { C: { log: [1, 100] } } } }`,
    'spec.yaml',
  );
  const manifest: DatasetManifest = {
    ...{ format: 1, name: 'd', contentHash: '1'.repeat(64), grouped: false, classes: ['constructor', '__proto__'] },
    clips: Array.from({ length: 12 }, (_, i) => ({
      ...{ id: `${i}`, label: i % 2 ? 'constructor' : '__proto__', group: `${i}` },
    })),
  };
  const plan = planRun({ spec, manifest, splits: allSplits(spec, manifest) });
  const { estimators } = await summarisePlan(plan, new RunStore(openStore(`file:${folder}`)), {});
  assert.deepEqual(
    estimators.map(({ estimator, trials, folds }) => [estimator, trials, folds]),
    [
      ['constructor', 1, 3],
      ['b', 4, 12],
    ],
  );
});
