import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  begunTrials,
  bestModelOf,
  clipOutcomes,
  groupOutcomes,
  type MetricName,
  metricOf,
  type RunResults,
  type Split,
  type TrialRow,
} from '../src/index.js';

const CLASSES = ['x', 'y', 'z'];
const clips = [
  { id: 'c0', group: 'g', label: 0 },
  { id: 'c1', group: 'h', label: 1 },
  { id: 'c2', group: 'g', label: 1 },
  { id: 'never tested', group: 'h', label: 0 },
];
const split = (repeat: number, fold: number, test: number[]): Split => ({
  ...{ repeat, fold, test: Int32Array.from(test) },
  train: Int32Array.from([0, 1, 2].filter((clip) => !test.includes(clip))),
});
// Both models have predictions for clips 0 and 1, but only the first one for clip 2, since the second model lacks that
// fold.
const data = { classes: CLASSES, clips, splits: [split(0, 0, [1, 0]), split(0, 1, [2])] };
const models = new Map([
  ['net', [Float64Array.of(0.5, 0.25, 0.25, 0.75, 0.25, 0), Float64Array.of(0, 0.25, 0.75)]],
  ['svm', [Float64Array.of(0.25, 0.125, 0.625, 0.5, 0.5, 0), null]],
]);

test('counts every prediction of a clip, and reports the most frequent mistake or, on a tie, the first class', () => {
  assert.deepEqual(clipOutcomes(data, models), [
    {
      ...{ clip: 'c0', group: 'g', label: 'x', predictions: 2, wrong: 0, truth: 0.625, mistakenFor: null },
      byModel: { net: { predictions: 1, wrong: 0 }, svm: { predictions: 1, wrong: 0 } },
    },
    {
      ...{ clip: 'c1', group: 'h', label: 'y', predictions: 2, wrong: 2, truth: 0.1875, mistakenFor: 'x' },
      byModel: { net: { predictions: 1, wrong: 1 }, svm: { predictions: 1, wrong: 1 } },
    },
    {
      ...{ clip: 'c2', group: 'g', label: 'y', predictions: 1, wrong: 1, truth: 0.25, mistakenFor: 'z' },
      byModel: { net: { predictions: 1, wrong: 1 }, svm: { predictions: 0, wrong: 0 } },
    },
  ]);
});

test('decision values decide the class, and probabilities stay unchanged', () => {
  const decisions = new Map([['svm', [Float64Array.of(-1, 2, 1, -5, -4, -9), null]]]);
  const outcomes = clipOutcomes(data, models, decisions);
  assert.deepEqual(
    outcomes.map(({ byModel }) => byModel.svm),
    [
      { predictions: 1, wrong: 1 },
      { predictions: 1, wrong: 0 },
      { predictions: 0, wrong: 0 },
    ],
  );
  assert.deepEqual(
    outcomes.map(({ truth }) => truth),
    [0.625, 0.1875, 0.25],
  );
});

test('the outcomes of a group are the sums over its clips', () => {
  assert.deepEqual(groupOutcomes(clipOutcomes(data, models)), [
    {
      ...{ group: 'g', labels: ['x', 'y'], clips: 2, predictions: 3, wrong: 1 },
      byModel: { net: { predictions: 2, wrong: 1 }, svm: { predictions: 1, wrong: 0 } },
    },
    {
      ...{ group: 'h', labels: ['y'], clips: 1, predictions: 2, wrong: 2 },
      byModel: { net: { predictions: 1, wrong: 1 }, svm: { predictions: 1, wrong: 1 } },
    },
  ]);
  assert.deepEqual(groupOutcomes([]), []);
});

/** Returns stored results with the given means of accuracy and log-loss. */
function run(
  means: Readonly<Record<string, readonly [accuracy: number | null, logLoss: number]>>,
  more: { spec?: MetricName | 'f1'; search?: MetricName; compared?: MetricName | null } = {},
): RunResults {
  const figures = (mean: number | null) => (mean === null ? null : { mean, folds: 5 });
  return {
    spec: more.spec === undefined ? {} : { metric: more.spec },
    ...(more.search && { search: { metric: more.search } }),
    comparisons: more.compared === undefined ? [] : [more.compared === null ? {} : { metric: more.compared }],
    models: Object.entries(means).map(([name, [accuracy, logLoss]]) => ({
      ...{ name, accuracy: figures(accuracy), logLoss: figures(logLoss) },
    })),
  } as unknown as RunResults;
}

test('takes the metric of a run from its comparisons, its sweep or its spec, or uses accuracy', () => {
  assert.equal(metricOf(run({})), 'accuracy');
  assert.equal(metricOf(run({}, { spec: 'macroF1' })), 'macroF1');
  assert.equal(metricOf(run({}, { spec: 'f1' })), 'accuracy', 'not a metric of models');
  assert.equal(metricOf(run({}, { spec: 'macroF1', search: 'logLoss' })), 'logLoss');
  assert.equal(
    metricOf(run({}, { spec: 'macroF1', search: 'logLoss', compared: 'balancedAccuracy' })),
    'balancedAccuracy',
  );
  assert.equal(metricOf(run({}, { spec: 'macroF1', search: 'logLoss', compared: null })), 'accuracy');
});

test("finds the first model with the best mean in the run's metric, or no model if none has figures", () => {
  const means = { a: [0.5, 0.9], b: [0.75, 0.5], c: [0.75, 0.25], d: [null, 0.75] } as const;
  const { model, metric, figures } = bestModelOf(run(means))!;
  assert.deepEqual([model, metric, figures.mean], ['b', 'accuracy', 0.75]);
  assert.equal(bestModelOf(run(means, { spec: 'logLoss' }))?.model, 'c', 'the smaller log-loss is better');
  assert.equal(bestModelOf(run({ d: [null, 1] })), undefined);
});

test('candidates of a sweep are the estimator’s trials that have a score and did not fail', () => {
  const trial = (name: string, base: string, state: string, folds: number) => ({ trial: name, base, state, folds });
  const trials = [
    trial('a', 'svm', 'COMPLETE', 5),
    trial('b', 'svm', 'PRUNED', 1),
    trial('c', 'svm', 'FAILED', 5),
    trial('d', 'svm', 'PRUNED', 0),
    trial('e', 'net', 'COMPLETE', 5),
  ] as unknown as TrialRow[];
  assert.deepEqual(
    begunTrials({ trials }, 'svm').map((row) => row.trial),
    ['a', 'b'],
  );
});
