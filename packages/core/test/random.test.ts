import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../src/index.js';

const BITS = 0xffff_ffffn;

/** Implements xoshiro128** and splitmix32 from their definitions, with unbounded integers. */
function* reference(seed: number): Generator<number> {
  const rotated = (x: bigint, k: bigint) => ((x << k) | (x >> (32n - k))) & BITS;
  let counter = BigInt(seed) & BITS;
  const s = Array.from({ length: 4 }, () => {
    counter = (counter + 0x9e3779b9n) & BITS;
    let z = counter;
    z = ((z ^ (z >> 16n)) * 0x21f0aaadn) & BITS;
    z = ((z ^ (z >> 15n)) * 0x735a2d97n) & BITS;
    return z ^ (z >> 15n);
  });
  for (;;) {
    yield Number((rotated((s[1] * 5n) & BITS, 7n) * 9n) & BITS);
    const t = (s[1] << 9n) & BITS;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotated(s[3], 11n);
  }
}

const SEEDS = [0, 1, 2 ** 31, 2 ** 32 - 1, 123_456_789, -1];

test('draws the numbers of xoshiro128**, seeded by splitmix32', () => {
  for (const seed of SEEDS) {
    const random = new Random(seed);
    const expected = reference(seed);
    for (let i = 0; i < 200; i++) assert.equal(random.uint32(), expected.next().value, `seed ${seed}, draw ${i}`);
  }
});

test('scales 32-bit integers to uniform numbers in [low, high)', () => {
  const [a, b, c] = [new Random(5), new Random(5), new Random(5)];
  for (let i = 0; i < 100; i++) {
    const share = c.uint32() / 2 ** 32;
    assert.equal(a.uniform(), share);
    assert.equal(b.uniform(-2, 6), -2 + 8 * share);
  }
});

test('draws normal numbers in pairs (Box-Muller), with the given mean and deviation', () => {
  const [random, source] = [new Random(6), new Random(6)];
  for (let i = 0; i < 100; i++) {
    const [u, v] = [1 - source.uniform(), source.uniform()];
    const radius = Math.sqrt(-2 * Math.log(u));
    assert.ok(Math.abs(random.normal() - radius * Math.cos(2 * Math.PI * v)) < 1e-12);
    assert.ok(Math.abs(random.normal(3, 0.5) - (3 + 0.5 * radius * Math.sin(2 * Math.PI * v))) < 1e-12);
  }
  // Mean and variance of 10,000 draws are within five standard errors.
  const drawn = Array.from({ length: 10_000 }, () => random.normal(10, 2));
  const mean = drawn.reduce((sum, value) => sum + value, 0) / drawn.length;
  const variance = drawn.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (drawn.length - 1);
  assert.ok(Math.abs(mean - 10) < 5 * (2 / 100), `${mean}`);
  assert.ok(Math.abs(variance - 4) < 5 * 4 * Math.sqrt(2 / 9999), `${variance}`);
});

test('skips draws that would make some integers below the bound more likely', () => {
  for (const bound of [1, 7, 2 ** 31, 3_000_000_000, 2 ** 32]) {
    const [random, source] = [new Random(8), new Random(8)];
    const limit = Math.floor(2 ** 32 / bound) * bound;
    for (let i = 0; i < 100; i++) {
      let raw = source.uint32();
      while (raw >= limit) raw = source.uint32();
      assert.equal(random.below(bound), raw % bound, `${bound}`);
    }
  }
});

test('shuffles by Fisher-Yates: every order of three items is equally likely', () => {
  const random = new Random(9);
  const orders = new Map<string, number>();
  for (let i = 0; i < 6000; i++) {
    const items = ['a', 'b', 'c'];
    random.shuffle(items);
    orders.set(items.join(''), (orders.get(items.join('')) ?? 0) + 1);
  }
  assert.equal(orders.size, 6);
  // Five standard deviations of a count with mean 1000.
  for (const [order, count] of orders) assert.ok(Math.abs(count - 1000) < 145, `${order}: ${count}`);

  const [shuffled, source] = [Float64Array.from({ length: 20 }, (_, i) => i), new Random(10)];
  const expected = [...shuffled];
  new Random(10).shuffle(shuffled);
  for (let i = 19; i > 0; i--) {
    const j = source.below(i + 1);
    [expected[i], expected[j]] = [expected[j], expected[i]];
  }
  assert.deepEqual([...shuffled], expected);
});
