import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fitSvm, predictFit } from '../src/fit.js';
import type { SvmParameters } from '../src/index.js';
import { decodeModel, encodeModel, exportModel } from '../src/model.js';
import { isVectorModel } from '../src/svm-model.js';
import { fitStandardization, standardize, VectorSvmPredictor, vectorKernelData } from '../src/vectors.js';
import { argmax, rowsOf } from './problems.js';

interface Golden {
  columns: number;
  rows: number[];
  labels: number[];
  train: number[];
  test: number[];
  mean: number[];
  deviation: number[];
  cases: { parameters: Partial<SvmParameters>; decisions: number[][] }[];
}

const golden: Golden = JSON.parse(readFileSync(new URL('../../test/goldens/vectors.json', import.meta.url), 'utf8'));
const { columns, cases } = golden;
const data = Float32Array.from(golden.rows);
const [labels, train, testRows] = [golden.labels, golden.train, golden.test].map((list) => Int32Array.from(list));

function fitOn(learned: Int32Array, parameters: Partial<SvmParameters> = {}) {
  const standardization = fitStandardization({ data, columns }, learned);
  const values = standardize({ data, columns }, standardization);
  const kernel = vectorKernelData(values, columns);
  const fit = fitSvm({
    ...{ ...kernel, labels, classCount: 3, train, innerFolds: train.map((_, i) => i % 5), seed: 1 },
    parameters: {
      ...{ kernel: 'rbf', C: 10, gamma: 'scale', degree: 3, coef0: 0, classWeight: 'none', engine: 'cryfold' },
      ...{ strategy: 'one-vs-rest', calibration: 'platt', tolerance: 1e-8, ...parameters },
    },
  });
  return { fit, kernel, values, standardization, predicted: predictFit(fit, kernel, testRows) };
}

const worst = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i])));

test("mean and deviation equal StandardScaler's; the deviation of a constant column is 1", () => {
  const { mean, deviation } = fitStandardization({ data, columns }, train);
  assert.ok(
    worst(
      mean.map((x, j) => (x - golden.mean[j]) / golden.deviation[j]),
      new Float64Array(columns),
    ) < 1e-12,
  );
  assert.ok(
    worst(
      deviation.map((x, j) => x / golden.deviation[j]),
      new Float64Array(columns).fill(1),
    ) < 1e-9,
  );
  assert.equal(deviation[7], 1);
});

for (const { parameters, decisions } of cases) {
  test(`decisions equal those of StandardScaler and SVC: ${JSON.stringify(parameters)}`, () => {
    const ours = rowsOf(fitOn(train, parameters).predicted.decisions, 3);
    assert.deepEqual(ours.map(argmax), decisions.map(argmax));
    const size = Math.max(...decisions.flat().map(Math.abs));
    const off = worst(
      ours.flatMap((row) => [...row]),
      decisions.flat(),
    );
    assert.ok(off < 1e-3 * size, `off by ${off}, of ${size}`);
  });
}

test('standardising with the test rows as well would change the result', () => {
  const all = Int32Array.from(labels, (_, i) => i);
  const off = worst(fitOn(train).predicted.decisions, fitOn(all).predicted.decisions);
  assert.ok(off > 1e-3, `${off}`);
});

test('a model read back from its files predicts the same for the original vectors', () => {
  const { fit, values, standardization, predicted } = fitOn(train);
  const files = encodeModel({ ...exportModel(fit, values, columns, ['a', 'b', 'c']), standardization });
  const model = decodeModel(files);
  assert.ok(isVectorModel(model));
  const given = Float32Array.from(
    [...testRows].flatMap((row) => [...data.subarray(row * columns, (row + 1) * columns)]),
  );
  const { probabilities } = new VectorSvmPredictor(model).predict(given);
  assert.ok(worst(probabilities, predicted.probabilities) < 1e-12);
});
