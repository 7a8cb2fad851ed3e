import assert from 'node:assert/strict';
import { test } from 'node:test';
import { axisOver } from '../src/page/plot.js';

const texts = (values: number[], whole?: boolean) => axisOver('y', values, whole).ticks.map(({ text }) => text);

test('covers all values with an axis that has ticks at round numbers', () => {
  assert.deepEqual(texts([61.2, 84.1]), ['60', '65', '70', '75', '80', '85']);
  assert.deepEqual(texts([0, 1.59]), ['0.0', '0.5', '1.0', '1.5', '2.0']);
  assert.deepEqual(texts([-0.02, 0.013]), ['-0.02', '-0.01', '0.00', '0.01', '0.02']);
  for (const values of [[3, 3], [0, 0], [1e-9, 2e-9], [1e6, 3e6], [0.5]]) {
    const { low, high, ticks } = axisOver('y', values);
    assert.ok(low <= Math.min(...values) && high >= Math.max(...values) && high > low, `${values}: ${low} to ${high}`);
    assert.ok(ticks.length >= 1 && ticks.length <= 12, `${values}: ${ticks.length} ticks`);
    for (const { at } of ticks) assert.ok(at >= low - 1e-12 && at <= high + 1e-12);
  }
});

test('draws two ticks for values that are equal or differ only by rounding', () => {
  assert.deepEqual(texts([0, 0]), ['0.0', '0.2']);
  assert.deepEqual(texts([0, 1e-17]), ['0.0', '0.2']);
  assert.deepEqual(texts([0.5, 0.5]), ['0.4', '0.5']);
  assert.deepEqual(texts([100]), ['80', '100']);
  for (const values of [
    [80, 80.00000000000001],
    [79.99999999999999, 80],
  ]) {
    const { low, high, ticks } = axisOver('y', values);
    assert.ok(high - low >= 10 && ticks.length === 2, `${values}: ${low} to ${high}, ${ticks.length} ticks`);
  }
  assert.deepEqual(texts([20, 20], true), ['20', '21']);
});

test('starts an axis of counts at the first count, and draws ticks at whole numbers', () => {
  assert.deepEqual(texts([1, 20], true), ['1', '5', '10', '15', '20']);
  assert.deepEqual(texts([1, 3], true), ['1', '2', '3']);
  assert.deepEqual(axisOver('epoch', [1], true).high, 2);
});
