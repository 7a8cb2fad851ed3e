import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  accuracy,
  argmaxRows,
  balancedAccuracy,
  brier,
  cohenKappa,
  confusionMatrix,
  ece,
  fuseMean,
  logLoss,
  METRIC_NAMES,
  METRICS,
  macroF1,
  matthews,
  metricOfCounts,
  precision,
  recall,
  reliabilityCurve,
  rowNormalise,
  type Summary,
  scoreOf,
  summarise,
} from '../src/index.js';

type Numbers = number | null | Numbers[] | { [key: string]: Numbers };
interface Case {
  labels: number[];
  classes: number;
  probabilities: number[];
  expected: Record<string, Numbers>;
}

const { cases, summaries } = JSON.parse(
  readFileSync(new URL('../../test/goldens/metrics.json', import.meta.url), 'utf8'),
) as { cases: Record<string, Case>; summaries: (Summary & { values: number[] })[] };

/** Asserts equality to 1e-12 at every depth; null stands for NaN. */
function assertClose(actual: unknown, expected: unknown, about: string): void {
  if (typeof expected === 'object' && expected !== null) {
    assert.deepEqual(Object.keys(actual as object), Object.keys(expected), about);
    for (const [key, value] of Object.entries(expected)) {
      assertClose((actual as Record<string, unknown>)[key], value, `${about}.${key}`);
    }
  } else if (expected === null) {
    assert.ok(actual === null || Number.isNaN(actual), `${about}: ${actual} should be undefined`);
  } else {
    const difference = Math.abs((actual as number) - (expected as number));
    assert.ok(difference <= 1e-12, `${about}: ${actual} is not ${expected}`);
  }
}

for (const [name, { labels, classes, probabilities, expected }] of Object.entries(cases)) {
  test(`metrics equal scikit-learn's: ${name}`, () => {
    const predicted = argmaxRows(probabilities, classes);
    const confusion = confusionMatrix(labels, predicted, classes);
    const ours = {
      predicted: Array.from(predicted),
      confusion,
      rowNormalised: rowNormalise(confusion),
      accuracy: accuracy(confusion),
      balancedAccuracy: balancedAccuracy(confusion),
      macroF1: macroF1(confusion),
      cohenKappa: cohenKappa(confusion),
      matthews: matthews(confusion),
      recall: recall(confusion),
      precision: precision(confusion),
      logLoss: logLoss(labels, probabilities, classes),
      brier: brier(labels, probabilities, classes),
      ece: ece(labels, probabilities, classes),
    };
    assertClose(ours, expected, name);
  });
}

test("summaries equal numpy's with ddof=1", () => {
  for (const { values, ...expected } of summaries) assertClose(summarise(values), expected, `${values.length} values`);
  assert.equal(summarise([]), null);
});

test('a reliability curve counts every clip once, in the bin of its top probability', () => {
  for (const [name, { labels, classes, probabilities }] of Object.entries(cases)) {
    const curve = reliabilityCurve(labels, probabilities, classes, 10);
    assert.equal(
      curve.reduce((total, bin) => total + bin.count, 0),
      labels.length,
      name,
    );
    for (const { low, high, confidence, count } of curve) {
      assert.ok(count === 0 || (confidence > low - 1e-12 && confidence <= high + 1e-12), name);
    }
  }
});

test('fuseMean is the element-wise mean, and a tie goes to the first class', () => {
  const fused = fuseMean([Float64Array.of(0.6, 0.4, 0.1, 0.9), Float64Array.of(0.4, 0.6, 0.2, 0.8)]);
  assert.deepEqual(Array.from(fused), [0.5, 0.5, (0.1 + 0.2) / 2, (0.9 + 0.8) / 2]);
  assert.deepEqual(Array.from(argmaxRows(fused, 2)), [0, 1]);
  assert.deepEqual(Array.from(fuseMean([Float64Array.of(0.1), Float64Array.of(0.2), Float64Array.of(0.4)])), [
    (0.1 + 0.2 + 0.4) / 3,
  ]);
});

test('METRICS defines the title, format and direction of each metric', () => {
  assert.deepEqual(
    METRIC_NAMES.map((name) => [METRICS[name].title, METRICS[name].share, scoreOf(name, 0.25)]),
    [
      ['accuracy', true, 0.25],
      ['balanced accuracy', true, 0.25],
      ['macro F1', true, 0.25],
      ['log-loss', false, -0.25],
    ],
  );
  const counts = Float64Array.of(3, 1, 0.5, 1.5);
  assert.equal(metricOfCounts('accuracy', counts, 2), 4.5 / 6);
  assert.equal(metricOfCounts('balancedAccuracy', counts, 2), 0.75);
  assert.throws(
    () => metricOfCounts('logLoss', counts, 2),
    new RangeError('logLoss is not a metric of a confusion matrix'),
  );
});
