import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { encodeNpy, type NpyData, sha256 } from '@cryfold/core';
import { repeatedKFold } from '@cryfold/evaluation';
import { type DatasetManifest, featuresKey, parseSpec, planRun, type Spec } from '@cryfold/plan';
import { openStore, RunStore } from '@cryfold/store';
import { submitPlan, submitRun } from '../src/changes.js';
import { checkGivenContent } from '../src/given-content.js';

const folder = await mkdtemp(join(tmpdir(), 'cryfold-submitted-'));
after(() => rm(folder, { recursive: true }));
const store = new RunStore(openStore(`file:${folder}`));
const manifest: DatasetManifest = {
  ...{ format: 1, name: 'small', contentHash: sha256('small'), grouped: true, classes: ['a', 'b'] },
  clips: Array.from({ length: 6 }, (_, i) => ({ id: `${i}`, label: 'ab'[i % 2], group: `${i}` })),
};
await store.datasets.saveManifest(manifest);

const named = parseSpec(
  `version: 1
name: given
features: { kind: external, file: a.npy, clips: a.csv }
protocol: { folds: 3, repeats: 1 }
estimators: { svm: { kind: svm } }`,
  'spec.yaml',
);

const specOf = (bytes: Uint8Array): Spec => ({
  ...named,
  features: { ...named.features, sha256: sha256(bytes), columns: 2 } as never,
});

const planOf = (spec: Spec) =>
  planRun({ spec, manifest, splits: repeatedKFold(6, { splits: 3, repeats: 1, seed: 0 }) });

/** Submits a spec with vectors of two columns for six clips, after uploading the vectors. */
async function submit(bytes: Uint8Array) {
  const spec = specOf(bytes);
  const { vectors } = store.datasets.featureFiles(featuresKey(spec.features, manifest.contentHash));
  await store.artifacts.put(vectors, bytes);
  return submitRun(store, spec, manifest.contentHash);
}

const floats = (length: number) => Float32Array.from({ length }, (_, i) => i);

test('accepts submitted vectors that match the data', async () => {
  assert.equal((await submit(encodeNpy(floats(12), [6, 2]))).jobs.length, 3);
});

const odd = (value: number): NpyData => floats(12).with(11, value);
for (const [what, bytes, message] of [
  ['fewer rows than clips', encodeNpy(floats(10), [5, 2]), /shape is \(5, 2\), not \(6, 2\)/],
  ['a different number of columns than in the spec', encodeNpy(floats(12), [4, 3]), /shape is \(4, 3\), not \(6, 2\)/],
  ['a NaN', encodeNpy(odd(Number.NaN), [6, 2]), /row 5, column 1 is not a finite number/],
  ['an infinite number', encodeNpy(odd(Number.NEGATIVE_INFINITY), [6, 2]), /row 5, column 1 is not a finite number/],
  ['float64', encodeNpy(new Float64Array(12), [6, 2]), /elements are <f8, not <f4/],
  ['a file that ends early', encodeNpy(floats(12), [6, 2]).subarray(0, -4), /44 bytes of data/],
  ['a file without a header', new Uint8Array(5), /not an npy 1.0 array/],
] as const) {
  test(`refuses submitted vectors: ${what}`, async () => {
    await assert.rejects(submit(bytes), { code: 'FEATURES_INVALID', message, hint: /cryfold run --server/ });
  });
}

test('finds a non-finite number across chunk boundaries of a large file', async () => {
  const rows = 20_000;
  for (const size of [1001, 1002, 1003, 1004]) {
    for (const bad of [undefined, rows - 1, rows - 300]) {
      const data = floats(rows);
      if (bad !== undefined) data[bad] = Number.POSITIVE_INFINITY;
      const bytes = encodeNpy(data, [rows, 1]);
      const pieces = (async function* () {
        for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size);
      })();
      const check = checkGivenContent(pieces, { key: 'v', sha256: sha256(bytes), shape: [rows, 1], hint: '' });
      if (bad === undefined) await check;
      else await assert.rejects(check, { message: `v: row ${bad}, column 0 is not a finite number` });
    }
  }
});

test('refuses a plan that references vectors by path', async () => {
  await assert.rejects(submitPlan(store, planOf(named)), { code: 'SPEC_INVALID', hint: /cryfold run --server/ });
});

test('explains how to upload missing vectors', async () => {
  const plan = planOf(specOf(new Uint8Array(1)));
  await assert.rejects(submitPlan(store, plan), { code: 'ARTIFACT_MISSING', hint: /reads and uploads the files/ });
});
