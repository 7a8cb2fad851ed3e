import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CryfoldError, Random } from '@cryfold/core';
import {
  type Comparison,
  compareRuns,
  type EvaluationInput,
  evaluateRun,
  evidenceOf,
  holm,
  LEAST_FOLDS,
  METRICS,
  type MetricName,
  nadeauBengio,
  predictionsOf,
  type RunResults,
  repeatedKFold,
  tallyGroups,
  testGroups,
} from '../src/index.js';

const CLIPS = 83;
const MODELS = ['poor', 'fair', 'good', 'same as good'];
const splits = repeatedKFold(CLIPS, { splits: 5, repeats: 2, seed: 3 });
const labels = Array.from({ length: CLIPS }, (_, i) => (i * i) % 2);

/**
 * Returns predictions of four models for two classes. The last two models are equal, and `poor` lacks the second fold.
 */
function input(groupSize: number, metric: MetricName): EvaluationInput {
  const random = new Random(5);
  const predict = (lean: number) =>
    splits.map(({ test: clips }) =>
      Float64Array.from(
        [...clips].flatMap((clip) => {
          const right = Math.min(0.99, Math.max(0.01, lean + random.uniform(-0.4, 0.4)));
          return labels[clip] === 0 ? [right, 1 - right] : [1 - right, right];
        }),
      ),
    );
  const good = predict(0.8);
  const poor = predict(0.5).map((matrix, s) => (s === 1 ? null : matrix));
  const own = [poor, predict(0.6), good, good];
  return {
    ...{ classes: ['a', 'b'], splits, fusion: {}, metric },
    clips: labels.map((label, i) => ({ id: `${i}`, group: `g${Math.floor(i / groupSize)}`, label })),
    estimators: Object.fromEntries(MODELS.map((name) => [name, { kind: 'svm' }])),
    probabilities: new Map(MODELS.map((name, m) => [name, own[m]])),
  };
}

/**
 * Returns the common folds of two models, and the difference in the metric for each, computed from the metric's
 * definition.
 */
function differences(data: EvaluationInput, metric: MetricName, [a, b]: readonly string[]) {
  const common = [...splits.keys()].filter((s) => [a, b].every((name) => data.probabilities.get(name)![s]));
  const figure = (name: string, s: number) =>
    METRICS[metric].of(
      [...splits[s].test].map((clip) => labels[clip]),
      data.probabilities.get(name)![s]!,
      2,
    );
  return { common, values: common.map((s) => figure(a, s) - figure(b, s)) };
}

test('tests every pair of models on their common folds, and adjusts p-values for the number of tests', () => {
  for (const metric of ['accuracy', 'logLoss'] as const) {
    const data = input(1, metric);
    const { comparisons } = evaluateRun(data).results;
    assert.deepEqual(
      comparisons.map(({ a, b, folds, untested, byGroup }) => [a, b, folds, untested, byGroup]),
      [
        ['poor', 'fair', 9, undefined, undefined],
        ['poor', 'good', 9, undefined, undefined],
        ['poor', 'same as good', 9, undefined, undefined],
        ['fair', 'good', 10, undefined, undefined],
        ['fair', 'same as good', 10, undefined, undefined],
        ['good', 'same as good', 10, 'no spread', undefined],
      ],
    );
    const expected = comparisons.map(({ a, b }) => {
      const { common, values } = differences(data, metric, [a, b]);
      const ratios = common.map((s) => splits[s].test.length / splits[s].train.length);
      return nadeauBengio(values, ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length);
    });
    const adjusted = holm(expected.slice(0, 5).map((one) => one!.pValue));
    for (const [i, { test: found, meanDifference, metric: stored }] of comparisons.entries()) {
      assert.equal(stored, metric);
      if (i === 5) {
        assert.deepEqual([found, meanDifference], [null, 0]);
        continue;
      }
      const { meanDifference: mean, low, high, t, pValue } = expected[i]!;
      assert.deepEqual(found, { meanDifference: mean, low, high, t, pValue, pHolm: adjusted[i] });
      assert.equal(meanDifference, mean);
    }
  }
});

test('tests every pair by group on the common folds if clips share groups', () => {
  const data = input(4, 'accuracy');
  const { results, probabilities } = evaluateRun(data);
  const predictions = predictionsOf(data, probabilities);
  const expected = results.comparisons.map(({ a, b }) => {
    const { common } = differences(data, 'accuracy', [a, b]);
    const [first, second] = [a, b].map((name) => tallyGroups(data, predictions.get(name)!, common));
    return testGroups('accuracy', [first, second], 2)!;
  });
  const tested = expected.filter(({ pValue }) => pValue !== null);
  assert.equal(tested.length, 5);
  const adjusted = holm(tested.map(({ pValue }) => pValue!));
  for (const [i, { byGroup, untested }] of results.comparisons.entries()) {
    const { untested: why, ...own } = expected[i];
    assert.deepEqual(byGroup, { ...own, pHolm: i < 5 ? adjusted[i] : null });
    assert.equal(untested, why);
  }
  const [first] = results.comparisons;
  const { groups, difference, low, high, pValue, pHolm } = first.byGroup!;
  const evidence = { by: 'groups', count: groups, difference, low, high, pValue, pHolm, untested: undefined };
  assert.deepEqual(evidenceOf(first, { dataset: { clips: CLIPS, groups: 21 } } as RunResults), evidence);
});

test('reports no difference for models without a common fold', () => {
  const data = input(4, 'accuracy');
  const only = (name: string, own: number) =>
    [name, data.probabilities.get(name)!.map((matrix, s) => (s === own ? matrix : null))] as const;
  const probabilities = new Map([...data.probabilities, only('fair', 0), only('good', 2)]);
  const { comparisons } = evaluateRun({ ...data, probabilities }).results;
  const pair = comparisons.find(({ a, b }) => a === 'fair' && b === 'good');
  assert.deepEqual(pair, {
    ...{ a: 'fair', b: 'good', metric: 'accuracy', folds: 0, meanDifference: null, test: null },
    untested: 'too few folds',
  });
});

test('uses the test over folds as evidence if there are five or more folds and no clips share a group', () => {
  const own = { meanDifference: 0.1, low: 0.05, high: 0.15, t: 4, pValue: 0.001, pHolm: 0.002 };
  const stored: Comparison = { a: 'a', b: 'b', metric: 'accuracy', folds: LEAST_FOLDS, meanDifference: 0.1, test: own };
  const alone = { dataset: { clips: 10, groups: 10 } } as RunResults;
  const base = { by: 'folds', count: LEAST_FOLDS, difference: 0.1 };
  const none = { low: null, high: null, pValue: null, pHolm: null };
  const figures = { low: 0.05, high: 0.15, pValue: 0.001, pHolm: 0.002, untested: undefined };
  assert.deepEqual(evidenceOf(stored, alone), { ...base, ...figures });
  assert.deepEqual(evidenceOf({ ...stored, test: null }, alone), { ...base, ...none, untested: 'no spread' });
  assert.deepEqual(evidenceOf({ ...stored, folds: 4 }, alone), {
    ...base,
    count: 4,
    ...none,
    untested: 'too few folds',
  });
  const untold = { ...stored, meanDifference: null, test: null, folds: 0, untested: 'too few folds' as const };
  assert.equal(evidenceOf(untold, alone).difference, null);
  const shared = { dataset: { clips: 10, groups: 9 } } as RunResults;
  assert.equal(evidenceOf({ ...stored, test: null }, shared).untested, 'no spread');
});

test('reports runs that cannot be compared, and what to do', () => {
  const run = (id: string, change: object = {}) =>
    ({
      run: { id },
      models: [{ name: 'm' }, { name: 'n' }],
      dataset: { contentHash: 'h' },
      protocol: { splitter: 'KFold', folds: 5, seed: 1, testSize: 0.2, ...change },
    }) as unknown as RunResults;
  const refused = (candidate: RunResults, model: string, expected: object) =>
    assert.throws(
      () => compareRuns({ results: run('r1'), model: 'm' }, { results: candidate, model }),
      (error) => {
        assert.ok(error instanceof CryfoldError);
        const { code, message, context, hint } = error;
        assert.deepEqual({ code, message, context, hint }, { code: 'USAGE', ...expected });
        return true;
      },
    );
  refused(run('r2'), 'x', {
    ...{ message: 'run r2 has no model x', context: { run: 'r2', model: 'x' }, hint: 'Its models: m, n.' },
  });
  for (const change of [{ splitter: 'GroupKFold' }, { folds: 1, seed: 51 }, { seed: 2 }, { testSize: 0.3 }]) {
    refused(run('r2', change), 'm', {
      message: 'runs r1 and r2 differ in data, splitter, folds or seed',
      context: { baseline: 'r1', candidate: 'r2' },
      hint: 'Compare runs on the same data with the same protocol and seed.',
    });
  }
});
