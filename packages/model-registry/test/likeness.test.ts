import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CryfoldError, Random } from '@cryfold/core';
import { RESAMPLED_KEEPS } from '@cryfold/corpus';
import { clipImage } from '@cryfold/features';
import { featureKindOf } from '@cryfold/features/kinds';
import { learnLikeness, unlikeness } from '@cryfold/model-registry';
import { decodeLikeness, encodeLikeness } from '../src/likeness.js';

const RATE = 8000;
const SET = { kind: 'spectrogram', height: 60, width: 90, clipSeconds: 1 };
const summarize = await featureKindOf(SET).loadSummary!(SET);
const summaryOf = (samples: Float64Array) => summarize(clipImage(samples, RATE, SET));

const random = new Random(3);
const noise = (level: number) => Float64Array.from({ length: RATE }, () => level * random.normal());

/** A voice that rises and falls, in a quiet room. */
function voice(): Float64Array {
  const pitch = random.uniform(300, 500);
  const speed = random.uniform(1, 3);
  const level = random.uniform(0.05, 0.4);
  let phase = 0;
  return noise(0.002).map((one, i) => {
    phase += (2 * Math.PI * pitch * (1 + 0.2 * Math.sin((2 * Math.PI * speed * i) / RATE))) / RATE;
    const harmonics = [1, 2, 3, 4, 5].reduce((sum, h) => sum + Math.sin(h * phase) / h, 0);
    return one + level * harmonics * Math.max(0, Math.sin((2 * Math.PI * speed * i) / RATE)) ** 2;
  });
}

const voices = (count: number) => Array.from({ length: count }, () => summaryOf(voice()));
const groups = (count: number, clips = 4) => Array.from({ length: count }, (_, i) => `g${Math.floor(i / clips)}`);
const rule = learnLikeness(voices(200), groups(200))!;

test('the rule for other sounds rejects noise, tones and near silence, but few other voices', () => {
  const strange: [string, Float64Array][] = [
    ...[0.3, 0.03, 0.003].map((level): [string, Float64Array] => [`noise of ${level}`, noise(level)]),
    ...[150, 700, 3000].map((hertz): [string, Float64Array] => [
      `${hertz} Hz`,
      Float64Array.from({ length: RATE }, (_, i) => 0.3 * Math.sin((2 * Math.PI * hertz * i) / RATE)),
    ]),
    ['near silence', noise(1).map((one) => Math.round(one) / 32768)],
  ];
  for (const [what, samples] of strange) assert.ok(unlikeness(rule, summaryOf(samples)) > 1, what);
  const rejected = voices(200).filter((one) => unlikeness(rule, one) > 1).length;
  assert.ok(rejected < 30, `${rejected} of 200`);
  assert.ok(rule.falseRejects > 0.01 && rule.falseRejects < 0.12, String(rule.falseRejects));
});

test('the rule for other sounds ignores frequencies that resampling removed, and still rejects noise', () => {
  // The converter's filter also removes some frequencies below half the rate, which leaves the top of the image black.
  const filtered = (samples: Float64Array, audibleShare?: number) => {
    const image = clipImage(samples, RATE, SET);
    const dark = clipImage(new Float64Array(RATE).fill(1e-9), RATE, SET).subarray(0, 3 * SET.width);
    const rows = Math.ceil((1 - RESAMPLED_KEEPS) * SET.height);
    for (let row = 0; row < rows; row++) image.set(dark, 3 * SET.width * row);
    return unlikeness(rule, summarize(image, audibleShare));
  };
  const count = (audibleShare?: number) =>
    Array.from({ length: 100 }, voice).filter((one) => filtered(one, audibleShare) > 1).length;
  assert.ok(count() > 90, 'the filter has an effect if it is not declared');
  assert.ok(count(RESAMPLED_KEEPS) < 15);
  assert.ok(filtered(noise(0.03), RESAMPLED_KEEPS) > 1);
});

test('the rule for other sounds measures the distance only over known values', () => {
  const summaries = Array.from({ length: 400 }, () => {
    const x = random.normal();
    return { liveliness: 1, shape: Float64Array.of(5 * random.normal(), x, x + 0.1 * random.normal()) };
  });
  const flat = summaries.map(({ liveliness, shape }) => ({ liveliness, shape: shape.slice(1) }));
  const [space, plane] = [summaries, flat].map((those) => learnLikeness(those, groups(400))!);
  for (const [x, y] of [
    [1, -1],
    [2, -1],
    [8, 8],
  ]) {
    const part = unlikeness(space, { liveliness: 1, shape: Float64Array.of(Number.NaN, x, y) });
    const whole = unlikeness(plane, { liveliness: 1, shape: Float64Array.of(x, y) });
    assert.ok(Math.abs(part * space.distance - whole * plane.distance) < 1e-9);
  }
});

test('the rule for other sounds takes covariance into account, and survives a round trip', () => {
  // Two correlated values of equal variance: a point far from the line along which they correlate must count as further
  // away than a point on that line.
  const summaries = Array.from({ length: 400 }, () => {
    const x = random.normal();
    return { liveliness: 1, shape: Float64Array.of(x, x + 0.1 * random.normal()) };
  });
  const plane = learnLikeness(summaries, groups(400))!;
  const at = (x: number, y: number) => unlikeness(plane, { liveliness: 1, shape: Float64Array.of(x, y) });
  assert.ok(at(1, -1) > 2 * at(1, 1));
  assert.ok(at(0, 0) <= 1 && at(1.5, -1.5) > 1);
  const read = decodeLikeness(encodeLikeness(plane), 'likeness.json');
  assert.deepEqual(read, plane);
  const broken = new TextEncoder().encode(JSON.stringify({ ...plane, factor: [1] }));
  assert.throws(
    () => decodeLikeness(broken, 'likeness.json'),
    (error) => error instanceof CryfoldError && error.code === 'JOB_INVALID',
  );
});

test('learns a rule for other sounds from identical clips, but not from too few clips or a single group', () => {
  const [one] = voices(1);
  assert.equal(learnLikeness(voices(49), groups(49)), undefined);
  assert.equal(learnLikeness(voices(60), groups(60, 60)), undefined);
  const equal = learnLikeness(
    Array.from({ length: 60 }, () => one),
    groups(60),
  )!;
  assert.ok(unlikeness(equal, one) <= 1);
  assert.ok(unlikeness(equal, summaryOf(noise(0.1))) > 1);
});

test('learns the same rule for other sounds from the same clips', () => {
  const clips = voices(60);
  assert.deepEqual(learnLikeness(clips, groups(60)), learnLikeness(clips, groups(60)));
});
