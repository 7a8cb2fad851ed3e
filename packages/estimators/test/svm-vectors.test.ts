import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '@cryfold/core';
import { fitStandardization, fitSvm, predictFit, standardize, vectorKernelData } from '@cryfold/svm';
import type { Artifacts, Fold, TrainingData } from '../src/engine.js';
import { SvmEngine } from '../src/svm/engine.js';
import { innerFolds } from '../src/svm/inner-folds.js';
import { type Svm, svmParameters } from '../src/svm/parameters.js';

const CLIPS = 60;
const COLUMNS = 12;
const labels = Int32Array.from({ length: CLIPS }, (_, i) => i % 3);
const train = Int32Array.from({ length: 45 }, (_, i) => i);
const held = Int32Array.from({ length: 15 }, (_, i) => 45 + i);
const parameters = svmParameters.parse({ kind: 'svm', C: 10 });

/** Columns of very different scales, like statistics of cepstra; test clips are louder than training clips. */
function vectors(louder: number): Float32Array {
  const random = new Random(7);
  return Float32Array.from({ length: CLIPS * COLUMNS }, (_, at) => {
    const [clip, column] = [Math.floor(at / COLUMNS), at % COLUMNS];
    const value = 10 ** (column % 4) * random.normal(labels[clip] * 0.7, 1);
    return clip < train.length ? value : value * louder;
  });
}

async function fit(rows: Float32Array) {
  const features = async () => ({ shape: [CLIPS, COLUMNS], data: rows });
  const groups = Array.from(labels, (_, i) => `g${i}`);
  const data: TrainingData = { classes: ['a', 'b', 'c'], labels, groups, featureKey: 'vectors', features };
  const fold: Fold<Svm> = {
    ...{ parameters, train, test: held, labels, seed: 1, grouped: false, keepModel: true },
    ...{ prerequisite: undefined, checkpoint: undefined },
  };
  const artifacts: Artifacts = { get: async () => undefined, open: async () => undefined, put: async () => {} };
  const context = { data, artifacts, cacheDirectory: '', onProgress: () => {}, onEpoch: () => {} };
  const { decisions, model } = await new SvmEngine().fit(fold, context);
  return { decisions: decisions!.data, files: [...(await model!())] };
}

/** Returns the decision values of the fold if vectors were standardised with the mean and deviation of these clips. */
function decisionsStandardizedBy(rows: Float32Array, clips: Int32Array): Float64Array {
  const table = { data: rows, columns: COLUMNS };
  const kernel = vectorKernelData(standardize(table, fitStandardization(table, clips)), COLUMNS);
  const { folds } = innerFolds(labels, train, 1);
  const problem = { ...kernel, labels, classCount: 3, train, innerFolds: folds, parameters, seed: 1 };
  return predictFit(fitSvm(problem), kernel, held).decisions;
}

test('a fold standardises vectors by its training clips, and using all clips would change the result', async () => {
  const rows = vectors(3);
  const { decisions } = await fit(rows);
  assert.deepEqual(decisions, decisionsStandardizedBy(rows, train));
  const leaked = decisionsStandardizedBy(
    rows,
    labels.map((_, i) => i),
  );
  assert.ok(leaked.some((value, i) => Math.abs(value - decisions[i]) > 0.1));
});

test('the model of a fold has the same bytes, whatever the test clips are', async () => {
  const quiet = await fit(vectors(1));
  const loud = await fit(vectors(1000));
  assert.notDeepEqual(loud.decisions, quiet.decisions);
  assert.deepEqual(loud.files, quiet.files);
});
