import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '@cryfold/core';
import { couple } from '../src/combine.js';
import { fitTemperature, softmax } from '../src/temperature.js';
import { goldens } from './problems.js';

interface TemperatureGolden {
  name: string;
  labels: number[];
  decisions: number[];
  factor: number;
  offsets: number[];
  loss: number;
}

for (const golden of goldens<TemperatureGolden>('temperature.json')) {
  test(`temperature scaling maximises its likelihood: ${golden.name}`, () => {
    const classes = golden.offsets.length;
    const decisions = Float64Array.from(golden.decisions);
    const ours = fitTemperature(decisions, Int32Array.from(golden.labels), classes);
    assert.ok(Math.abs(ours.offsets.reduce((a, b) => a + b)) < 1e-9);
    const counts = golden.offsets.map((_, k) => golden.labels.filter((label) => label === k).length);
    let loss = 0;
    golden.labels.forEach((label, i) => {
      const row = decisions.subarray(i * classes, (i + 1) * classes);
      const [p, q] = [softmax(row, ours), softmax(row, golden)];
      p.forEach((share, k) => {
        assert.ok(Math.abs(share - q[k]) < 1e-4, `${share} and ${q[k]}`);
        loss -= (((k === label ? counts[label] : 0) + 1) / (counts[label] + classes)) * Math.log(share);
      });
    });
    assert.ok(loss < golden.loss * (1 + 1e-6), `${loss} > ${golden.loss}`);
  });
}

test('pairwise coupling restores the probabilities from which the pairs were computed', () => {
  const random = new Random(4);
  for (const k of [2, 3, 5, 8]) {
    const raw = Array.from({ length: k }, () => random.uniform(0.05, 1));
    const total = raw.reduce((a, b) => a + b);
    const p = raw.map((value) => value / total);
    const pairs = p.flatMap((a, i) => p.slice(i + 1).map((b) => a / (a + b)));
    const coupled = couple(Float64Array.from(pairs), k);
    assert.ok(Math.abs(coupled.reduce((a, b) => a + b) - 1) < 1e-12);
    // LIBSVM stops at 0.005 / k.
    coupled.forEach((value, i) => {
      assert.ok(Math.abs(value - p[i]) < 0.02, `${value} and ${p[i]}`);
    });
  }
});

test('pairwise coupling handles contradictory pairs with probabilities of 0 and 1', () => {
  const cycle = couple(Float64Array.of(1, 0, 1), 3);
  for (const value of cycle) assert.ok(Math.abs(value - 1 / 3) < 1e-3);
});
