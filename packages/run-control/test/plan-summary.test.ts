import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type DatasetManifest, parseSpec, planRun, type RunPlan } from '@cryfold/plan';
import { openStore, RunStore } from '@cryfold/store';
import { summarisePlan } from '../src/plan-summary.js';
import { allSplits } from '../src/splits.js';

test('estimates hours from a calibration if there are no folds', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'cryfold-plan-'));
  t.after(() => rm(folder, { recursive: true }));
  const text =
    'version: 1\nname: s\nprotocol: { folds: 3, repeats: 1 }\nestimators: { a: { kind: svm }, b: { kind: svm } }';
  const spec = parseSpec(text, 'spec.yaml');
  const labels = Array.from({ length: 12 }, (_, i) => ['x', 'y'][i % 2]);
  const manifest: DatasetManifest = {
    ...{ format: 1, name: 'd', contentHash: '1'.repeat(64), grouped: false, classes: ['x', 'y'] },
    clips: labels.map((label, i) => ({ id: `${i}`, label, group: `${i}` })),
  };
  const plan = planRun({ spec, manifest, splits: allSplits(spec, manifest) });
  const asked: string[] = [];
  const { estimators, cpuHours } = await summarisePlan(plan, new RunStore(openStore(`file:${folder}`)), {
    calibrate: async (uncertain) => {
      asked.push(...uncertain.map(({ estimator, basis }) => `${estimator} ${basis}`));
      return new Map([['b', 3600]]);
    },
  });
  assert.deepEqual(asked, ['a typical', 'b typical']);
  // Three folds of eight training clips each, which means 64 pairs of clips per fold.
  assert.deepEqual([estimators[1].basis, estimators[1].hours], ['calibration', 3 * 64]);
  assert.deepEqual([estimators[0].basis, (cpuHours ?? 0) > 3 * 64], ['typical', true]);
});

test('plans an estimator called constructor once if it is not searched', async (t) => {
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

test('does not estimate hours from folds of other programs or other kinds of features', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'cryfold-plan-'));
  t.after(() => rm(folder, { recursive: true }));
  const store = new RunStore(openStore(`file:${folder}`));
  const manifest: DatasetManifest = {
    ...{ format: 1, name: 'd', contentHash: '1'.repeat(64), grouped: false, classes: ['x', 'y'] },
    clips: Array.from({ length: 12 }, (_, i) => ({ id: `${i}`, label: ['x', 'y'][i % 2], group: `${i}` })),
  };
  const planOf = (own: string, features = 'spectrogram') => {
    const text = `version: 1
name: s
protocol: { folds: 3, repeats: 1 }
features: { kind: ${features} }
estimators: { own: { ${own} } }`;
    const spec = parseSpec(text, 'spec.yaml');
    return planRun({ spec, manifest, splits: allSplits(spec, manifest) });
  };
  const program = (name: string, trees: number, predict = 'predict') =>
    planOf(`kind: command, run: [${name}], predict: [${predict}], parameters: { trees: ${trees} }`);
  for (const known of [program('quick', 1), planOf('kind: svm')]) {
    await store.runs.savePlan(known);
    for (const { key } of known.jobs) {
      const probabilities = { key: 'none', sha256: '0'.repeat(64) };
      const record = { format: 1 as const, key, attempt: '0-0', probabilities, curve: [], seconds: 8, environment: {} };
      await store.folds.commit(record);
    }
  }
  const basisOf = async (plan: RunPlan) => (await summarisePlan(plan, store, {})).estimators[0].basis;
  assert.equal(await basisOf(program('quick', 2)), 'folds');
  assert.equal(await basisOf(program('slow', 1)), null);
  assert.equal(await basisOf(program('quick', 1, 'slow')), null);
  assert.equal(await basisOf(planOf('kind: svm, C: 2')), 'folds');
  assert.equal(await basisOf(planOf('kind: svm', 'mfcc')), 'typical');
});
