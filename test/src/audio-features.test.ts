import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { readDataset, synthesizeCorpus } from '@cryfold/corpus';
import { decodeResults } from '@cryfold/evaluation';
import { computeFeatures } from '@cryfold/features';
import { parseSpec } from '@cryfold/plan';
import { decodeModel, fitStandardization, isVectorModel, type SvmModelFiles, VectorSvmPredictor } from '@cryfold/svm';
import { cryfold, ownStore, ROOT, temporaryFolder } from './command.js';
import { withoutRedis } from './testbed.js';

const SPEC = join(ROOT, 'specs', 'mfcc.yaml');

test('runs specs/mfcc.yaml, and predicts with its model, scaling by the statistics of all training clips', {
  skip: withoutRedis,
}, async (t) => {
  const folder = await temporaryFolder();
  t.after(folder.remove);
  const path = (...names: string[]) => join(folder.path, ...names);
  await synthesizeCorpus(path('corpus'), { clips: 60, seed: 3 });
  const flags = ['--data', path('corpus'), '--folds', '2', '--repeats', '1', '--workers', '1', '--json'];
  const run = await cryfold(['run', SPEC, ...flags, ...ownStore(path('out'))]);
  assert.equal(run.code, 0, run.stderr);
  const file = path('out', 'results.json');
  const { models, status } = decodeResults(new Uint8Array(await readFile(file)), file);
  assert.equal(status, 'complete');
  const accuracy = new Map(models.map((model) => [model.name, model.accuracy?.mean ?? 0]));
  assert.deepEqual(
    [...accuracy.keys()],
    ['mfcc-svm', 'pitch-svm', 'image-svm', 'cepstra-and-pitch', 'cepstra-and-images'],
  );
  // A model that always predicts the largest class would reach an accuracy of 0.38.
  assert.ok((accuracy.get('mfcc-svm') ?? 0) > 0.5, `${accuracy.get('mfcc-svm')}`);

  const store = { CRYFOLD_STORE: `file:${path('out', 'store')}` };
  const trained = await cryfold(['train-final', 'latest', '--of', 'mfcc-svm', '--name', 'voice', '--json'], store);
  assert.equal(trained.code, 0, trained.stderr);
  const { card } = JSON.parse(trained.stdout);
  const { name, version } = card;
  assert.deepEqual([card.features.kind, card.format], ['mfcc', 4], 'older versions say that it is newer');
  const files = ['svm.json', 'support.npy', 'coefficients.npy'];
  const member = path('out', 'store', 'models', name, version, 'members', 'mfcc-svm');
  const read = await Promise.all(files.map(async (one) => [one, new Uint8Array(await readFile(join(member, one)))]));
  const model = decodeModel(Object.fromEntries(read) as SvmModelFiles);
  assert.ok(isVectorModel(model));

  const dataset = await readDataset(path('corpus'));
  const { features } = parseSpec(await readFile(SPEC, 'utf8'), SPEC);
  const { data, shape } = await computeFeatures(dataset, features);
  const rows = { data: data as Float32Array, columns: shape[1] };
  const all = Int32Array.from(dataset.clips, (_, i) => i);
  assert.deepEqual(model.standardization, fitStandardization(rows, all));

  const [clip] = dataset.clips;
  const predicted = await cryfold(['predict', `${name}@${version}`, path('corpus', clip.file), '--json'], store);
  assert.equal(predicted.code, 0, predicted.stderr);
  const own = new VectorSvmPredictor(model).predict(rows.data.slice(0, rows.columns));
  const [{ probabilities }] = JSON.parse(predicted.stdout).predictions[0].windows;
  assert.deepEqual(
    Object.values(probabilities as Record<string, number>).map((p) => p.toFixed(6)),
    [...own.probabilities].map((p) => p.toFixed(6)),
  );
});
