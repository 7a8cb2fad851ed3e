import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Random } from '@cryfold/core';
import { incompleteBeta } from '../src/distributions.js';
import {
  applyTemperature,
  argmaxRows,
  evaluateRun,
  FUSION_RULES,
  fitTemperature,
  fitWeights,
  fuse,
  fuseMean,
  holm,
  logLoss,
  type MetricName,
  nadeauBengio,
  tallyGroups,
  testGroups,
} from '../src/index.js';

interface Goldens {
  incompleteBeta: [number, number, number, number][];
  nadeauBengio: { differences: number[]; ratio: number; t: number; pValue: number; low: number; high: number }[];
  groups: {
    metric: MetricName;
    classes: number;
    models: [number, number, number[]][][][];
    difference: number;
    pValue: number;
    low: number;
    high: number;
    interval?: { low: number; high: number };
  }[];
  temperature: { classes: number; labels: number[]; probabilities: number[]; temperature: number; logLoss: number }[];
  stacking: { classes: number; labels: number[]; members: number[][]; test: number[][]; expected: number[] }[];
}

const goldens = JSON.parse(
  readFileSync(new URL('../../test/goldens/comparisons.json', import.meta.url), 'utf8'),
) as Goldens;

function assertNear(actual: number, expected: number, relative: number, about: string): void {
  const close = Math.abs(actual - expected) <= relative * Math.max(Math.abs(expected), 1e-300);
  assert.ok(close, `${about}: ${actual} is not ${expected}`);
}

function assertAllNear(actual: Float64Array, expected: ArrayLike<number>, absolute: number, about: string): void {
  assert.equal(actual.length, expected.length, about);
  for (const [i, value] of actual.entries()) {
    assert.ok(Math.abs(value - expected[i]) <= absolute, `${about}, ${i}: ${value} is not ${expected[i]}`);
  }
}

test("the incomplete beta function equals scipy's", () => {
  for (const [a, b, x, expected] of goldens.incompleteBeta) {
    const about = `I_${x}(${a}, ${b})`;
    const actual = incompleteBeta(a, b, x);
    if (expected < 1e-280) assert.ok(actual < 1e-270, about);
    else assertNear(actual, expected, 1e-9, about);
  }
});

test('the corrected resampled t-test has the same p-value and interval as scipy', () => {
  for (const { differences, ratio, ...expected } of goldens.nadeauBengio) {
    const actual = nadeauBengio(differences, ratio)!;
    assert.equal(actual.folds, differences.length);
    for (const key of ['t', 'pValue', 'low', 'high'] as const) {
      assertNear(actual[key]!, expected[key], 1e-9, `${differences.length} folds, ${key}`);
    }
  }
});

test('the corrected t-test is antisymmetric, and the correction makes significance harder to reach', () => {
  const differences = [0.02, -0.01, 0.03, 0.0, 0.01];
  const [there, back] = [
    nadeauBengio(differences, 0.25)!,
    nadeauBengio(
      differences.map((d) => -d),
      0.25,
    )!,
  ];
  assert.deepEqual([back.t, back.pValue, back.low], [-there.t, there.pValue, -there.high]);
  assert.ok(nadeauBengio(differences, 0)!.pValue < there.pValue);
});

test('does not test fewer than five folds or equal differences, which used to result in p = 0', () => {
  for (const few of [[], [0.1], [0.1, 0.1], [0.1, 0.2, 0.3, 0.1]]) assert.equal(nadeauBengio(few, 0.25), null);
  assert.equal(nadeauBengio([0.1, 0.1, 0.1, 0.1, 0.1], 0.25), null);
  assert.equal(nadeauBengio([0, 0, 0, 0, 0], 0.25), null);
  // Equal except for rounding, since 0.1 + 0.2 is not exactly 0.3.
  assert.equal(nadeauBengio([0.3, 0.1 + 0.2, 0.3, 0.3, 0.3], 0.25), null);
});

test('never returns a p-value of 0, however small the spread, and no p-value for non-finite values', () => {
  const nearly = Array.from({ length: 50 }, (_, fold) => 0.1 + 1e-9 * (fold % 2));
  assert.ok(nadeauBengio(nearly, 0.25)!.pValue > 0);
  for (const odd of [Number.NaN, Number.POSITIVE_INFINITY]) assert.equal(nadeauBengio([odd, 1, 2, 3, 4], 0.25), null);
});

test("adjusts p-values like Holm's method in R", () => {
  // R: p.adjust(c(0.04, 0.01, 0.03, 0.02), 'holm')
  assert.deepEqual(
    holm([0.04, 0.01, 0.03, 0.02]).map((p) => p.toFixed(12)),
    ['0.060000000000', '0.040000000000', '0.060000000000', '0.060000000000'],
  );
  assert.deepEqual(holm([0.6, 0.7]), [1, 1]);
  assert.deepEqual(holm([0.03]), [0.03]);
  assert.deepEqual(holm([]), []);
});

/**
 * Returns one model's predictions for groups as input for the evaluation, with a single split that tests every clip.
 */
function oneSplit(groups: [number, number, number[]][][], classes: number) {
  const clips = groups.flatMap((rows, g) => rows.map(([label], i) => ({ id: `${g}-${i}`, group: `${g}`, label })));
  const rows = groups.flat();
  const data = {
    classes: Array.from({ length: classes }, (_, c) => `${c}`),
    clips,
    splits: [{ repeat: 0, fold: 0, train: Int32Array.of(), test: Int32Array.from(clips.keys()) }],
  };
  const folds = [Float64Array.from(rows.flatMap(([, , probabilities]) => probabilities))];
  return { data, folds, predictions: { probabilities: folds, scores: folds } };
}

test('the test by group has the same p-value as scipy for exchanged groups, and uses jackknife intervals', () => {
  for (const { metric, classes, models, interval, ...expected } of goldens.groups) {
    const [a, b] = models.map((groups) => oneSplit(groups, classes));
    const tallies = (one: typeof a) => tallyGroups(one.data, one.predictions, [0]);
    const actual = testGroups(metric, [tallies(a), tallies(b)], classes);
    assert.deepEqual([actual.groups, actual.exact, actual.untested], [models[0].length, true, undefined]);
    for (const key of ['difference', 'low', 'high', 'pValue'] as const) {
      assertNear(actual[key]!, expected[key], 1e-8, `${metric}, ${classes} classes, ${key}`);
    }
    const back = testGroups(metric, [tallies(b), tallies(a)], classes);
    assert.equal(back.pValue, actual.pValue);
    if (!interval || metric === 'logLoss') continue;
    const { pooled } = evaluateRun({
      ...a.data,
      estimators: { a: { kind: 'svm' } },
      fusion: {},
      probabilities: new Map([['a', a.folds]]),
    }).results.models[0];
    for (const side of ['low', 'high'] as const) {
      assertNear(pooled!.intervals![metric]![side], interval[side], 1e-8, `${metric}, interval, ${side}`);
    }
  }
});

/** Returns tallies of groups of two classes, with `right` of `size` clips correct. */
const tallied = (right: readonly number[], size: number) =>
  right.map((count) => Float64Array.of(count, size - count, 0, 0, 0, size));

test('returns no p-value for fewer than six groups, or if no group differs', () => {
  const few = testGroups('accuracy', [tallied([9, 9, 9, 9, 9], 9), tallied([1, 2, 3, 1, 2], 9)], 2);
  assert.deepEqual([few.pValue, few.untested], [null, 'too few groups']);
  assert.ok(few.low! > 0, 'there is an interval');
  const same = tallied([1, 2, 3, 4, 5, 6], 9);
  const equal = testGroups('accuracy', [same, same], 2);
  assert.deepEqual([equal.difference, equal.low, equal.pValue, equal.untested], [0, null, null, 'no spread']);
  // The smallest p-value that six groups can reach.
  const six = testGroups('accuracy', [tallied([9, 8, 9, 8, 9, 8], 9), tallied([1, 2, 3, 1, 2, 3], 9)], 2);
  assert.equal(six.pValue, 2 / 2 ** 6);
});

test('exchanges many groups at random, reproducibly, and never returns p = 0', () => {
  const right = Array.from({ length: 40 }, (_, g) => g % 4);
  const worse = tallied(right, 9);
  const better = tallied(
    right.map((count) => count + 5),
    9,
  );
  const found = testGroups('accuracy', [better, worse], 2);
  assert.deepEqual([found.exact, found.pValue], [false, 1 / 10_001]);
  assert.deepEqual(testGroups('accuracy', [better, worse], 2), found);
});

// numpy: d = a - b, nonzero; flips = RandomState(0).randint(2, size=(10000, len(d))); sums = ((1 - 2 * flips) * d).sum(1);
// p = (count(abs(sums) >= abs(d.sum())) + 1) / 10001
test('the p-value from random exchanges equals the one from numpy, and is close to the one from all exchanges', () => {
  for (const [groups, differing, expected, ofAll] of [
    [14, 14, 0.3300669933006699, 0.332763671875],
    [20, 18, 0.30886911308869114, 0.30858612060546875],
    [40, 35, 0.13998600139986, undefined],
  ] as const) {
    const a = Array.from({ length: groups }, (_, g) => 4 + ((g * g) % 5));
    const b = Array.from({ length: groups }, (_, g) => 3 + ((g * 7) % 6));
    assert.equal(a.filter((count, g) => count !== b[g]).length, differing);
    const { pValue, exact } = testGroups('accuracy', [tallied(a, 9), tallied(b, 9)], 2);
    assert.deepEqual([exact, pValue], [false, expected]);
    // The p-value is a share of 10,000 random exchanges; the tolerance is five standard errors of this share.
    assert.ok(ofAll === undefined || Math.abs(pValue! - ofAll) < 5 * Math.sqrt((ofAll * (1 - ofAll)) / 10_000));
  }
  const [a, b] = [4, 3].map((least) =>
    tallied(
      Array.from({ length: 13 }, (_, g) => least + ((g * least) % 5)),
      9,
    ),
  );
  assert.equal(testGroups('accuracy', [a, b], 2).exact, true, '2^13 exchanges are tried');
});

test('finds the same temperature as scikit-learn, or the limit if no temperature is optimal', () => {
  for (const { classes, labels, probabilities, temperature, logLoss: least } of goldens.temperature) {
    const matrix = Float64Array.from(probabilities);
    const fitted = fitTemperature(labels, matrix, classes);
    // the loss is flat near its minimum, so scipy's bounded search finds it only to about the square root of its
    // precision
    assertNear(fitted, temperature, 1e-5, `${classes} classes`);
    const calibrated = applyTemperature(matrix, classes, fitted);
    assert.ok(logLoss(labels, calibrated, classes) <= least + 1e-12);
    assert.ok(logLoss(labels, calibrated, classes) <= logLoss(labels, matrix, classes));
    assert.deepEqual(argmaxRows(calibrated, classes), argmaxRows(matrix, classes));
  }
  const certain = Float64Array.of(0.9, 0.1, 0.2, 0.8);
  // if all predictions are right, a lower temperature reduces the loss until it is exactly 0
  assert.ok(logLoss([0, 1], applyTemperature(certain, 2, fitTemperature([0, 1], certain, 2)), 2) < 1e-15);
  assertNear(fitTemperature([1, 0], certain, 2), Math.exp(10), 1e-6, 'all wrong');
});

test('a temperature of 1 has no effect, and probabilities of 0 give finite results', () => {
  const matrix = Float64Array.of(0.7, 0.2, 0.1, 1, 0, 0);
  assertAllNear(applyTemperature(matrix, 3, 1), matrix, 1e-12, 'temperature 1');
  assert.ok(applyTemperature(matrix, 3, 0.01).every(Number.isFinite));
});

test("a stacked fusion predicts like scikit-learn's LogisticRegression on the members' probabilities", () => {
  for (const { classes, labels, members, test: held, expected } of goldens.stacking) {
    const training = { members: members.map((member) => Float64Array.from(member)), labels };
    const fused = fuse(
      'stacked',
      held.map((matrix) => Float64Array.from(matrix)),
      classes,
      training,
    );
    assertAllNear(fused, expected, 1e-6, `${classes} classes`);
  }
});

/** Returns random probabilities that favour the true labels; a larger `lean` favours them more. */
function leaning(random: Random, labels: number[], classes: number, lean: number): Float64Array {
  return Float64Array.from(
    labels.flatMap((label) => {
      const raw = Array.from({ length: classes }, (_, c) => Math.exp(random.normal() + (c === label ? lean : 0)));
      const total = raw.reduce((sum, value) => sum + value, 0);
      return raw.map((value) => value / total);
    }),
  );
}

test('fitted fusion weights satisfy the optimality conditions for the lowest log-loss', () => {
  const random = new Random(4);
  for (const leans of [
    [2, 0],
    [1, 1],
    [0.5, 1, 2],
    [3, 0, 0, 1],
  ]) {
    const labels = Array.from({ length: 200 }, () => random.below(4));
    const members = leans.map((lean) => leaning(random, labels, 4, lean));
    const weights = fitWeights({ members, labels }, 4);
    assert.ok(Math.abs(weights.reduce((sum, w) => sum + w, 0) - 1) < 1e-9);
    const fused = fuse('weighted', members, 4, { members, labels });
    members.forEach((member, m) => {
      // the mean ratio p_m / p_fused is 1 for a member with a positive weight, and at most 1 for any other member
      const ratios = labels.map((label, i) => member[4 * i + label] / fused[4 * i + label]);
      const ratio = ratios.reduce((sum, r) => sum + r, 0) / ratios.length;
      assert.ok(ratio < 1 + 1e-3, `member ${m} deserves more: ${ratio}`);
      if (weights[m] > 0.05) assert.ok(Math.abs(ratio - 1) < 1e-4, `member ${m} deserves less: ${ratio}`);
    });
    for (const member of members) assert.ok(logLoss(labels, fused, 4) <= logLoss(labels, member, 4) + 1e-9);
  }
});

test('every fusion rule returns rows that sum to 1, and leaves equal members unchanged', () => {
  const random = new Random(9);
  const labels = Array.from({ length: 30 }, () => random.below(3));
  const members = [1, 2, 3].map((lean) => leaning(random, labels, 3, lean));
  const training = { members, labels };
  for (const rule of FUSION_RULES) {
    const fused = fuse(rule, members, 3, training);
    for (let row = 0; row < 30; row++) {
      const total = fused[3 * row] + fused[3 * row + 1] + fused[3 * row + 2];
      assert.ok(Math.abs(total - 1) < 1e-12, `${rule}: ${total}`);
    }
  }
  const twice = [members[0], members[0]];
  for (const rule of ['mean', 'geometric', 'weighted'] as const) {
    const fused = fuse(rule, twice, 3, { members: twice, labels });
    assertAllNear(fused, members[0], 1e-9, rule);
  }
  assert.deepEqual(fuse('mean', members, 3), fuseMean(members));
  assert.throws(() => fuse('stacked', members, 3), TypeError);
});

test('`majority` counts votes, `geometric` multiplies, and neither fusion lets a zero probability veto a class', () => {
  const votes = fuse('majority', [Float64Array.of(0.6, 0.4), Float64Array.of(0.1, 0.9), Float64Array.of(0.5, 0.5)], 2);
  assert.deepEqual(
    Array.from(votes, (p) => p.toFixed(12)),
    ['0.666666666667', '0.333333333333'],
  );
  const product = fuse('geometric', [Float64Array.of(0.9, 0.1), Float64Array.of(0.5, 0.5)], 2);
  assertNear(product[0], 3 / 4, 1e-12, 'sqrt(.45) / (sqrt(.45) + sqrt(.05))');
  const veto = fuse('geometric', [Float64Array.of(0, 1), Float64Array.of(1, 0)], 2);
  assert.deepEqual(Array.from(veto), [0.5, 0.5]);
});
