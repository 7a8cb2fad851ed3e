import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Random } from '@cryfold/core';
import { balancedOrder, balancedWeights, classCounts } from '../src/augment/balance.js';
import { range } from './stripes.js';

const golden: { classWeights: { counts: number[]; weights: number[] }[] } = JSON.parse(
  readFileSync(new URL('../../test/goldens/augment.json', import.meta.url), 'utf8'),
);

/** Labels with the given number of examples of each class. */
const labelled = (counts: readonly number[]) =>
  Int32Array.from(counts.flatMap((count, label) => Array<number>(count).fill(label)));

test('class weights equal those of scikit-learn, even if a class has no example', () => {
  for (const { counts, weights } of golden.classWeights) {
    const labels = labelled(counts);
    const found = balancedWeights(classCounts(labels, range(0, labels.length), counts.length));
    for (const [label, weight] of weights.entries()) {
      assert.ok(Math.abs(found[label] - weight) <= 1e-6 * Math.abs(weight), `${counts}: ${found}`);
    }
  }
});

test('class weights only count training examples', () => {
  const labels = Int32Array.of(0, 0, 1, 1, 1, 1, 1, 1);
  assert.deepEqual([...balancedWeights(classCounts(labels, Int32Array.of(0, 1, 2, 3), 2))], [1, 1]);
});

test('balanced batches contain every class equally often, and only training examples', () => {
  const counts = [40, 3, 11];
  const labels = labelled([...counts, 20]);
  const train = range(0, 54);
  const random = new Random(7);
  const drawn = new Map<number, number>();
  for (let epoch = 0; epoch < 20; epoch++) {
    const order = balancedOrder(labels, train, random);
    assert.equal(order.length, train.length);
    for (let start = 0; start < order.length; start += 9) {
      const batch = order.subarray(start, start + 9);
      assert.deepEqual([...classCounts(labels, batch, 4)], [3, 3, 3, 0]);
    }
    for (const index of order) drawn.set(index, (drawn.get(index) ?? 0) + 1);
  }
  assert.deepEqual(
    [...drawn.keys()].sort((a, b) => a - b),
    [...train],
  );
  // An epoch has 18 draws of each class, spread evenly over its examples.
  for (const [index, times] of drawn) {
    const expected = (20 * 18) / counts[labels[index]];
    assert.ok(times > expected / 3 && times < expected * 2, `example ${index}: ${times} times, not about ${expected}`);
  }
});

test('within an epoch, no example is repeated before all others of its class have been drawn', () => {
  const labels = labelled([5, 2]);
  const order = [...balancedOrder(labels, range(0, 7), new Random(1))];
  const minority = order.filter((index) => labels[index] === 1);
  for (let at = 0; at + 1 < minority.length; at += 2) assert.notEqual(minority[at], minority[at + 1]);
  const majority = order.filter((index) => labels[index] === 0);
  assert.equal(new Set(majority).size, majority.length);
});
