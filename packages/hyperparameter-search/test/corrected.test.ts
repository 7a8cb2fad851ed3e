import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '@cryfold/core';
import { correctedScore } from '../src/index.js';

const CLIPS = 200;

/** Trials that are right with a probability of their own, on clips of groups of very different sizes. */
function make(chances: readonly number[], seed: number) {
  const random = new Random(seed);
  return {
    metric: 'accuracy' as const,
    labels: Int32Array.from({ length: CLIPS }, (_, i) => i % 2),
    groups: Array.from({ length: CLIPS }, (_, i) => `g${Math.floor(Math.sqrt(i))}`),
    values: chances.map((chance) => Float64Array.from({ length: CLIPS }, () => Number(random.uniform() < chance))),
  };
}
const mean = (values: ArrayLike<number>) => Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;

test('of a single trial there is nothing to correct', () => {
  const input = make([0.7], 1);
  const { mean: corrected, low, high } = correctedScore(input, { samples: 2000 })!;
  assert.ok(Math.abs(corrected - mean(input.values[0])) < 0.004, `${corrected} and ${mean(input.values[0])}`);
  assert.ok(low < corrected && corrected < high);
});

test('of the best of 30 equal trials the plain score is too good, and the corrected one is not', () => {
  let [plain, corrected] = [0, 0];
  for (let seed = 0; seed < 20; seed++) {
    const input = make(new Array(30).fill(0.5), seed);
    plain += Math.max(...input.values.map(mean)) / 20;
    corrected += correctedScore(input, { samples: 200 })!.mean / 20;
  }
  // The expected maximum of 30 normals is 2.04 standard deviations above their mean: 0.5 + 2.04 * 0.0354.
  assert.ok(Math.abs(plain - 0.572) < 0.015, `plain ${plain}`);
  assert.ok(Math.abs(corrected - 0.5) < 0.015, `corrected ${corrected}`);
});

test('a log-loss stays positive, and one group alone says nothing', () => {
  const input = { ...make([0.6, 0.6], 3), metric: 'logLoss' as const };
  const losses = { ...input, values: input.values.map((own) => own.map((right) => (right ? -0.2 : -1.5))) };
  const { mean: corrected, low, high } = correctedScore(losses)!;
  assert.ok(0.2 < low && low < corrected && corrected < high && high < 1.5);
  assert.equal(correctedScore({ ...losses, groups: new Array(CLIPS).fill('g') }), null);
});
