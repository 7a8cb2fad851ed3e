import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { contentKey, sha256 } from '@cryfold/core';
import { finalKey, parseSpec, planRun, prerequisiteOf } from '../src/index.js';

const GOLDEN = fileURLToPath(new URL('../../test/goldens/fold-keys-9364da0.json', import.meta.url));

/** Specs that, taken together, use every part of a fold key. */
const SPECS: Record<string, string> = {
  defaults: `
estimators: { small-cnn: { kind: small-cnn }, tl-resnet50: { kind: tl-resnet50 }, svm: { kind: svm } }
fusion: { combined: { members: [tl-resnet50, svm] } }`,
  grouped: `
protocol: { splitter: StratifiedGroupKFold, folds: 2, repeats: 1 }
nulls: 2
estimators: { small-cnn: { kind: small-cnn }, svm: { kind: svm, classWeight: { a: 2 } } }`,
  options: `
features: { height: 30, width: 45, clipSeconds: 0.5 }
seed: 7
threads: 2
xla: true
checkpoint: epoch
keepModels: best
estimators:
  cnn: { kind: small-cnn, epochs: 3, filters: [4, 8, 8], dense: [16], precision: bfloat16, optimizer: adamw }
  frozen: { kind: tl-resnet50, backbone: frozen, dropout: 0 }
  partly: { kind: tl-resnet50, backbone: { from: conv5_block1_1_conv }, classWeight: balanced }
  weighted: { kind: tl-resnet50, weights: "store:weights/aa.h5#sha256=aa" }
  linear: { kind: svm, kernel: linear, strategy: one-vs-one, calibration: temperature, engine: ml-svm }`,
  search: `
estimators: { svm: { kind: svm }, cnn: { kind: small-cnn } }
search: { algorithm: random, trials: 3, space: { svm: { C: { log: [1, 100] } } } }`,
};

const labels = ['a', 'b', 'a', 'b', 'a', 'b'];
const manifest = {
  format: 1 as const,
  name: 'toy',
  contentHash: sha256('toy'),
  grouped: true,
  classes: ['a', 'b'],
  clips: labels.map((label, i) => ({ id: `clip-${i}`, label, group: `g${i % 3}`, hash: sha256(`clip ${i}`) })),
};
const splits = [
  { repeat: 0, fold: 0, train: Int32Array.of(0, 1, 2), test: Int32Array.of(3, 4, 5) },
  { repeat: 0, fold: 1, train: Int32Array.of(3, 4, 5), test: Int32Array.of(0, 1, 2) },
  { repeat: 1, fold: 0, train: Int32Array.of(0, 2, 4), test: Int32Array.of(1, 3, 5) },
];

function identities(source: string) {
  const plan = planRun({ spec: parseSpec(`version: 1\nname: keys\n${source}`, 'spec.yaml'), manifest, splits });
  const trials = Object.keys(plan.spec.estimators);
  return {
    run: plan.run,
    features: plan.features.key,
    plan: contentKey(plan),
    jobs: plan.jobs.map(({ key, trial, queue, split, seed, shuffle = null }) => [
      key,
      trial,
      queue,
      split,
      seed,
      shuffle,
    ]),
    finals: Object.fromEntries(trials.map((trial) => [trial, finalKey(plan, trial)])),
    prerequisites: Object.fromEntries(trials.map((trial) => [trial, prerequisiteOf(plan, trial) ?? null])),
  };
}

test('run ids, plans, fold keys, final keys and prerequisites equal those of commit 9364da0', () => {
  const found = Object.fromEntries(Object.entries(SPECS).map(([name, source]) => [name, identities(source)]));
  assert.deepEqual(found, JSON.parse(readFileSync(GOLDEN, 'utf8')));
});
