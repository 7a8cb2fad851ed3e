import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fitSigmoid, sigmoidProbability } from '../src/platt.js';
import { goldens } from './problems.js';

interface PlattGolden {
  name: string;
  signs: number[];
  decisions: number[];
  sklearn: [number, number];
  exact: [number, number];
  loss: number;
}

for (const golden of goldens<PlattGolden>('platt.json')) {
  test(`Platt's sigmoid maximises its likelihood: ${golden.name}`, () => {
    const decisions = Float64Array.from(golden.decisions);
    const signs = Int8Array.from(golden.signs);
    const ours = fitSigmoid(decisions, signs);
    const positives = signs.filter((s) => s > 0).length;
    let loss = 0;
    decisions.forEach((value, k) => {
      const target = signs[k] > 0 ? (positives + 1) / (positives + 2) : 1 / (signs.length - positives + 2);
      const z = ours.slope * value + ours.offset;
      const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
      loss += target * softplus(z) + (1 - target) * softplus(-z);
    });
    assert.ok(loss <= golden.loss + 1e-7 * golden.loss, `${loss} > ${golden.loss}`);
    for (const [slope, offset] of [golden.exact, golden.sklearn]) {
      for (const value of golden.decisions) {
        const [p, q] = [sigmoidProbability(ours, value), sigmoidProbability({ slope, offset }, value)];
        assert.ok(Math.abs(p - q) < 1e-4, `${golden.name}: ${p} and ${q} at ${value}`);
      }
    }
  });
}

test("both tails of Platt's sigmoid are finite", () => {
  assert.equal(sigmoidProbability({ slope: -1, offset: 0 }, 1e6), 1);
  assert.equal(sigmoidProbability({ slope: -1, offset: 0 }, -1e6), 0);
});
