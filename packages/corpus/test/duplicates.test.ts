import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '@cryfold/core';
import { decodeWav, encodeWav, findDuplicates, soundPrint } from '../src/index.js';

/** A second of coloured noise that swells and fades at random. */
function sound(random: Random): Float64Array {
  const samples = new Float64Array(8000);
  const [colour, speed, phase] = [random.uniform(), 2 + 6 * random.uniform(), 6 * random.uniform()];
  for (let i = 1; i < samples.length; i++) {
    const swell = 0.5 + 0.5 * Math.sin(phase + (speed * i) / 1000);
    samples[i] = colour * samples[i - 1] + 0.05 * swell * random.normal();
  }
  return samples;
}

/** The sound at another level, between zeros, and once through a 16-bit file. */
function copy(samples: Float64Array, level: number, before: number, after: number): Float64Array {
  const padded = new Float64Array(before + samples.length + after);
  samples.forEach((sample, i) => {
    padded[before + i] = level * sample;
  });
  return decodeWav(encodeWav(padded, 8000), 'copy').samples;
}

test('copies of a sound are found whatever their level and the silence around them, and nothing else', () => {
  const random = new Random(3);
  const originals = Array.from({ length: 60 }, () => sound(random));
  const clips = [
    ...originals,
    copy(originals[7], 0.1, 0, 0),
    copy(originals[9], 1, 700, 1300),
    copy(originals[9], 0.3, 1, 0),
    copy(originals[50], 1, 0, 4000),
  ];
  const expected = [...originals.keys(), 7, 9, 9, 50];
  assert.deepEqual([...findDuplicates(clips.map(soundPrint))], expected);
  // The first clip of a sound is named whatever the order.
  const reversed = [...findDuplicates([...clips].reverse().map(soundPrint))];
  assert.equal(reversed.filter((first, i) => first !== i).length, 4);
});

test('prints of constant, nearly silent and one-sample clips are finite', () => {
  for (const samples of [new Float64Array(100), new Float64Array(100).fill(0.5), Float64Array.of(1)]) {
    assert.ok(soundPrint(samples).every(Number.isFinite));
  }
  const click = new Float64Array(100);
  click[40] = 1;
  assert.ok(soundPrint(click).every(Number.isFinite));
});
