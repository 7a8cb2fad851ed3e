import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '@cryfold/core';
import { SoundMeter } from '../src/audit/sound-meter.js';

const RATE = 16000;

function measure(samples: Float64Array, piece = samples.length, rate = RATE) {
  const meter = new SoundMeter(rate);
  for (let at = 0; at < samples.length; at += piece) meter.add(samples.subarray(at, at + piece));
  return meter.end();
}

const sine = (hertz: number, level: number, seconds = 1) =>
  Float64Array.from({ length: seconds * RATE }, (_, i) => level * Math.sin((2 * Math.PI * hertz * i) / RATE));
const near = (actual: number, expected: number, tolerance: number) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected} give or take ${tolerance}`);

test('measures a full-scale sine at -3.01 dBFS and at its frequency, neither silent nor clipped', () => {
  const { level, bandwidth, silence, clipping } = measure(sine(1000, 1));
  near(level, -3.0103, 1e-3);
  near(bandwidth, 1000, 3 * (RATE / 1024));
  assert.equal(silence, 0);
  assert.equal(clipping, 0);
});

test('a constant offset does not affect the measured level', () => {
  near(measure(sine(1000, 0.1).map((sample) => sample + 0.5)).level, -23.0103, 1e-3);
});

test('measures a bandwidth of half the rate for white noise, even if it is shorter than a frame', () => {
  const random = new Random(1);
  const noise = Float64Array.from({ length: RATE }, () => random.normal(0, 0.1));
  near(measure(noise).bandwidth, 0.99 * (RATE / 2), 0.01 * RATE);
  assert.ok(measure(noise.subarray(0, 300)).bandwidth > 0.8 * (RATE / 2));
});

test('measures silence as the share of frames below -60 dBFS', () => {
  const quiet = Float64Array.from([...sine(1000, 0.1), ...sine(1000, 0.0005, 3)]);
  near(measure(quiet).silence, 0.75, 0.01);
});

test('counts flat tops of three samples or more as clipping, but not the rounding of a sine', () => {
  const clipped = sine(1000, 2).map((sample) => Math.max(-1, Math.min(1, sample)));
  const expected = clipped.filter((sample) => Math.abs(sample) === 1).length / clipped.length;
  near(measure(clipped).clipping, expected, 1e-9);
  assert.ok(expected > 0.5);
  const sixteen = sine(440, 0.9999).map((sample) => Math.round(sample * 32767) / 32768);
  assert.equal(measure(sixteen).clipping, 0);
});

test('measures the same properties regardless of the size of the pieces that it receives', () => {
  const random = new Random(2);
  const samples = Float64Array.from({ length: 5000 }, () => random.uniform(-1.2, 1.2)).map((sample) =>
    Math.max(-1, Math.min(1, sample)),
  );
  for (const piece of [1, 7, 1024, 4999]) assert.deepEqual(measure(samples, piece), measure(samples));
});

test('measures the bandwidth over all parts of a long recording, although only a few frames are transformed', () => {
  const random = new Random(3);
  // One minute: a low tone in the first half, and noise of the same level in the second half.
  const long = Float64Array.from({ length: 60 * RATE }, (_, i) =>
    i < 30 * RATE ? 0.1 * Math.sin((2 * Math.PI * 300 * i) / RATE) : random.normal(0, 0.07),
  );
  near(measure(long, 65536).bandwidth, 0.98 * (RATE / 2), 0.03 * RATE);
});
