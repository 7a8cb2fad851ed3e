import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Random } from '@cryfold/core';
import { incompleteBeta } from '../src/distributions.js';
import {
  accuracy,
  applyTemperature,
  argmaxRows,
  balancedAccuracy,
  bootstrapGroups,
  type Confusion,
  FUSION_RULES,
  fitTemperature,
  fitWeights,
  fuse,
  fuseMean,
  holm,
  type Interval,
  logLoss,
  mcNemar,
  nadeauBengio,
} from '../src/index.js';

interface Goldens {
  incompleteBeta: [number, number, number, number][];
  nadeauBengio: { differences: number[]; ratio: number; t: number; pValue: number; low: number; high: number }[];
  mcNemar: { onlyA: number; onlyB: number; pValue: number }[];
  bootstrap: {
    confusions: number[][][];
    samples: number;
    seed: number;
    accuracy: Interval;
    balancedAccuracy: Interval;
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

test("the incomplete beta function is scipy's", () => {
  for (const [a, b, x, expected] of goldens.incompleteBeta) {
    const about = `I_${x}(${a}, ${b})`;
    const actual = incompleteBeta(a, b, x);
    if (expected < 1e-280) assert.ok(actual < 1e-270, about);
    else assertNear(actual, expected, 1e-9, about);
  }
});

test("the corrected resampled t-test has scipy's p-value and interval", () => {
  for (const { differences, ratio, ...expected } of goldens.nadeauBengio) {
    const actual = nadeauBengio(differences, ratio)!;
    assert.equal(actual.folds, differences.length);
    for (const key of ['t', 'pValue', 'low', 'high'] as const) {
      assertNear(actual[key]!, expected[key], 1e-9, `${differences.length} folds, ${key}`);
    }
  }
});

test('the corrected t-test is antisymmetric, and has nothing to say on one fold or on equal differences', () => {
  const differences = [0.02, -0.01, 0.03, 0.0, 0.01];
  const [there, back] = [
    nadeauBengio(differences, 0.25)!,
    nadeauBengio(
      differences.map((d) => -d),
      0.25,
    )!,
  ];
  assert.deepEqual([back.t, back.pValue, back.low], [-there.t!, there.pValue, -there.high]);
  assert.ok(nadeauBengio(differences, 0)!.pValue < there.pValue, 'the correction makes it harder to be significant');
  assert.equal(nadeauBengio([0.1], 0.25), null);
  assert.equal(nadeauBengio([], 0.25), null);
  assert.deepEqual(nadeauBengio([0, 0, 0], 0.25), { folds: 3, meanDifference: 0, low: 0, high: 0, t: null, pValue: 1 });
  const equal = nadeauBengio([0.1, 0.1, 0.1], 0.25)!;
  assert.deepEqual([equal.t, equal.pValue], [null, 0]);
});

test("Holm's adjustment", () => {
  // R: p.adjust(c(0.04, 0.01, 0.03, 0.02), 'holm')
  assert.deepEqual(
    holm([0.04, 0.01, 0.03, 0.02]).map((p) => p.toFixed(12)),
    ['0.060000000000', '0.040000000000', '0.060000000000', '0.060000000000'],
  );
  assert.deepEqual(holm([0.6, 0.7]), [1, 1]);
  assert.deepEqual(holm([0.03]), [0.03]);
  assert.deepEqual(holm([]), []);
});

test("McNemar's exact test is scipy's binomial test", () => {
  for (const { onlyA, onlyB, pValue } of goldens.mcNemar) {
    const labels = new Int32Array(onlyA + onlyB + 20);
    const a = labels.map((_, i) => (i < onlyA ? 0 : i < onlyA + onlyB ? 1 : i % 2));
    const b = labels.map((_, i) => (i < onlyA ? 1 : i < onlyA + onlyB ? 0 : i % 2));
    const actual = mcNemar(labels, a, b);
    assert.deepEqual([actual.onlyA, actual.onlyB], [onlyA, onlyB]);
    assertNear(actual.pValue, pValue, 1e-9, `${onlyA} against ${onlyB}`);
  }
});

test("bootstrap intervals over groups are numpy's, draw for draw", () => {
  for (const { confusions, samples, seed, ...expected } of goldens.bootstrap) {
    const actual = bootstrapGroups(confusions, { accuracy, balancedAccuracy }, { samples, seed });
    for (const name of ['accuracy', 'balancedAccuracy'] as const) {
      assertNear(actual[name].low, expected[name].low, 1e-12, `${name}, low`);
      assertNear(actual[name].high, expected[name].high, 1e-12, `${name}, high`);
    }
  }
});

test('clips that stand and fall together make intervals wider than the same number of clips alone', () => {
  const right: Confusion = [
    [1, 0],
    [0, 0],
  ];
  const wrong: Confusion = [
    [0, 1],
    [0, 0],
  ];
  const times = (confusion: Confusion, n: number) => confusion.map((row) => row.map((count) => count * n));
  const outcomes = Array.from({ length: 40 }, (_, i) => (i % 4 ? right : wrong));
  const width = (confusions: Confusion[]) => {
    const { low, high } = bootstrapGroups(confusions, { accuracy }, { samples: 2000 }).accuracy;
    return high - low;
  };
  const grouped = width(outcomes.map((confusion) => times(confusion, 9)));
  const alone = width(outcomes.flatMap((confusion) => Array.from({ length: 9 }, () => confusion)));
  // nine clips a group that agree: the standard error is three times as large
  assert.ok(Math.abs(grouped / alone - 3) < 0.4, `${grouped} over ${alone}`);
});

test("the temperature is scikit-learn's, or at the limit where there is no best one", () => {
  for (const { classes, labels, probabilities, temperature, logLoss: least } of goldens.temperature) {
    const matrix = Float64Array.from(probabilities);
    const fitted = fitTemperature(labels, matrix, classes);
    // scipy's bounded search leaves the flat bottom of the loss at about the square root of its precision
    assertNear(fitted, temperature, 1e-5, `${classes} classes`);
    const calibrated = applyTemperature(matrix, classes, fitted);
    assert.ok(logLoss(labels, calibrated, classes) <= least + 1e-12);
    assert.ok(logLoss(labels, calibrated, classes) <= logLoss(labels, matrix, classes));
    assert.deepEqual(argmaxRows(calibrated, classes), argmaxRows(matrix, classes));
  }
  const certain = Float64Array.of(0.9, 0.1, 0.2, 0.8);
  // all right: the colder the better, until the loss is 0 to the last digit
  assert.ok(logLoss([0, 1], applyTemperature(certain, 2, fitTemperature([0, 1], certain, 2)), 2) < 1e-15);
  assertNear(fitTemperature([1, 0], certain, 2), Math.exp(10), 1e-6, 'all wrong');
});

test('a temperature of 1 changes nothing, and zeros stay finite', () => {
  const matrix = Float64Array.of(0.7, 0.2, 0.1, 1, 0, 0);
  assertAllNear(applyTemperature(matrix, 3, 1), matrix, 1e-12, 'temperature 1');
  assert.ok(applyTemperature(matrix, 3, 0.01).every(Number.isFinite));
});

test("a stacked fusion predicts as scikit-learn's LogisticRegression on the members' probabilities", () => {
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

/** Probabilities that lean to the labels by `lean`. */
function leaning(random: Random, labels: number[], classes: number, lean: number): Float64Array {
  return Float64Array.from(
    labels.flatMap((label) => {
      const raw = Array.from({ length: classes }, (_, c) => Math.exp(random.normal() + (c === label ? lean : 0)));
      const total = raw.reduce((sum, value) => sum + value, 0);
      return raw.map((value) => value / total);
    }),
  );
}

test('fitted weights satisfy the optimality conditions of the least log-loss', () => {
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
      // the mean ratio p_m / p_fused is 1 for a member in use and at most 1 for one that is not
      const ratios = labels.map((label, i) => member[4 * i + label] / fused[4 * i + label]);
      const ratio = ratios.reduce((sum, r) => sum + r, 0) / ratios.length;
      assert.ok(ratio < 1 + 1e-3, `member ${m} deserves more: ${ratio}`);
      if (weights[m] > 0.05) assert.ok(Math.abs(ratio - 1) < 1e-4, `member ${m} deserves less: ${ratio}`);
    });
    for (const member of members) assert.ok(logLoss(labels, fused, 4) <= logLoss(labels, member, 4) + 1e-9);
  }
});

test('every rule gives rows that sum to 1, and gives equal members back', () => {
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

test('majority counts votes, geometric multiplies, and neither lets a zero veto', () => {
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
