import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeNpy, Random } from '@cryfold/core';
import SVM from 'ml-svm';
import { pixelMoments, squaredDistances } from '../src/distances.js';
import { fitSvm, predictFit } from '../src/fit.js';
import { toMlSvm } from '../src/ml-svm.js';
import { decodeModel, encodeModel, exportModel, SvmPredictor } from '../src/model.js';
import { coded, type DataSet, goldens, imagesOf, problemOf } from './problems.js';

const cases = goldens<DataSet>('one-vs-rest.json');
const set = cases[2];
const CLASSES = ['a', 'b', 'c'];

function modelOf(parameters: Parameters<typeof problemOf>[1] = {}) {
  const problem = problemOf(set, parameters);
  const fit = fitSvm(problem);
  return { problem, fit, model: exportModel(fit, imagesOf(set), set.columns, CLASSES) };
}

function testImages(): Uint8Array {
  const images = imagesOf(set);
  return Uint8Array.from(set.test.flatMap((row) => [...images.subarray(row * set.columns, (row + 1) * set.columns)]));
}

for (const parameters of [
  {},
  { strategy: 'one-vs-one' },
  { kernel: 'poly', coef0: 1 },
  { kernel: 'linear', C: 1, calibration: 'temperature' },
  { kernel: 'sigmoid', gamma: 'auto', coef0: -0.5, C: 10 },
] as const) {
  test(`a model predicts like the fit after a round trip: ${JSON.stringify(parameters)}`, () => {
    const { problem, fit, model } = modelOf(parameters);
    const read = decodeModel(encodeModel(model));
    assert.deepEqual(read, model);
    const expected = predictFit(fit, problem, problem.test);
    const predictor = new SvmPredictor(read);
    const actual = predictor.predict(testImages());
    // Rows that are not support vectors add exactly 0, so even the sums are the same.
    assert.deepEqual(actual, expected);
    const one = predictor.predict(testImages().subarray(0, set.columns));
    assert.deepEqual(one.probabilities, expected.probabilities.slice(0, 3));
  });
}

test('a model keeps only support vectors', () => {
  const { fit, model } = modelOf();
  const used = fit.rows.filter((_, t) => fit.weights.some((weights) => weights[t] !== 0)).length;
  assert.ok(used < fit.rows.length);
  assert.equal(model.support.length, used * set.columns);
});

test('predicts wide images and large batches like the fit', () => {
  const [rows, columns] = [200, 5000];
  const random = new Random(8);
  const labels = Int32Array.from({ length: rows }, (_, row) => row % 3);
  const images = Uint8Array.from({ length: rows * columns }, (_, k) => {
    const row = Math.floor(k / columns);
    return Math.min(255, random.below(120) + 40 * labels[row] * Number(k % 7 === 0));
  });
  const problem = {
    ...problemOf(set),
    ...{ labels, columns, distances: squaredDistances(images, rows, columns) },
    moments: pixelMoments(images, rows, columns),
    train: Int32Array.from({ length: 100 }, (_, t) => t),
    innerFolds: Int32Array.from({ length: 100 }, (_, t) => t % 4),
  };
  const fit = fitSvm(problem);
  const others = Int32Array.from({ length: 100 }, (_, t) => t + 100);
  const predictor = new SvmPredictor(exportModel(fit, images, columns, CLASSES));
  assert.deepEqual(predictor.predict(images.subarray(100 * columns)), predictFit(fit, problem, others));
});

test('an ml-svm model loaded from a cryfold model makes the same decisions', () => {
  const { problem, fit, model } = modelOf();
  const { decisions } = predictFit(fit, problem, problem.test);
  const images = testImages();
  for (const machine of [0, 1, 2]) {
    const theirs = SVM.load(toMlSvm(model, machine));
    const size = model.weights[machine].reduce((sum, weight) => sum + Math.abs(weight), 1);
    set.test.forEach((_, i) => {
      const margin = theirs.marginOne(images.subarray(i * set.columns, (i + 1) * set.columns));
      const difference = Math.abs(margin - decisions[3 * i + machine]);
      assert.ok(difference <= 1e-14 * Math.max(1, size / 10), `${difference} of ${size}`);
    });
  }
  assert.throws(() => toMlSvm(modelOf({ kernel: 'linear' }).model, 0), coded('SPEC_INVALID'));
});

test('neither stores nor loads a model with NaN, wherever the NaN occurs', () => {
  const { model } = modelOf();
  const files = encodeModel(model);
  const { calibration } = model.combination;
  if (calibration.kind !== 'platt') throw new Error('calibrated by sigmoids');
  const sigmoids = calibration.sigmoids.map((sigmoid, m) => (m === 0 ? { ...sigmoid, offset: Number.NaN } : sigmoid));
  const damaged = [
    { ...model, weights: model.weights.map((row, m) => (m === 1 ? row.map(() => Number.NaN) : row)) },
    { ...model, biases: model.biases.map(() => Number.POSITIVE_INFINITY) },
    { ...model, kernel: { ...model.kernel, gamma: Number.NaN } },
    { ...model, combination: { ...model.combination, calibration: { ...calibration, sigmoids } } },
  ];
  for (const one of damaged) {
    assert.throws(() => encodeModel(one), coded('SVM_NOT_FINITE'));
    const { weights: _weights, support: _support, ...header } = one;
    // In JSON, NaN is null, and null counts as 0 in sums.
    const json = new TextEncoder().encode(JSON.stringify({ format: 1, ...header }));
    const rows = encodeNpy(Float64Array.from(one.weights.flatMap((row) => [...row])), [3, one.weights[0].length]);
    assert.throws(
      () => decodeModel({ ...files, 'svm.json': json, 'coefficients.npy': rows }),
      coded('ARTIFACT_CORRUPT'),
    );
  }
});

test('reports broken files and images of the wrong size with error codes', () => {
  const { model } = modelOf();
  const files = encodeModel(model);
  const text = (value: string) => new TextEncoder().encode(value);
  assert.throws(() => decodeModel({ ...files, 'svm.json': text('{') }), coded('ARTIFACT_CORRUPT'));
  assert.throws(() => decodeModel({ ...files, 'svm.json': text('{"format":9}') }), coded('FORMAT_NEWER'));
  assert.throws(() => decodeModel({ ...files, 'svm.json': text('{"format":0}') }), coded('ARTIFACT_CORRUPT'));
  assert.throws(
    () => decodeModel({ ...files, 'support.npy': files['support.npy'].slice(0, -1) }),
    coded('NPY_INVALID'),
  );
  assert.throws(() => decodeModel({ ...files, 'coefficients.npy': files['support.npy'] }), coded('NPY_INVALID'));
  const short = encodeModel({ ...model, weights: model.weights.map((weights) => weights.slice(1)) });
  assert.throws(
    () => decodeModel({ ...files, 'coefficients.npy': short['coefficients.npy'] }),
    coded('ARTIFACT_CORRUPT'),
  );
  assert.throws(() => new SvmPredictor(model).predict(new Uint8Array(7)), coded('NPY_INVALID'));
});
