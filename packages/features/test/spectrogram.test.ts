import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { PALETTE, Random, sha256 } from '@cryfold/core';
import { clipImage, SpectrogramImager } from '@cryfold/features';
import { featureKindOf, featureSetSchema } from '@cryfold/features/kinds';
import { PowerSpectrum } from '../src/power-spectrum.js';
import { nearestSources } from '../src/spectrogram.js';

const golden = new URL('../../test/goldens/nearest.json', import.meta.url);

function noise(length: number, seed: number): Float64Array {
  const random = new Random(seed);
  return Float64Array.from({ length }, () => random.normal(0, 0.1));
}

test('the power spectrum equals the sum that defines it, at every bin and size', () => {
  for (const size of [8, 16, 32, 64, 1024]) {
    const samples = noise(size + 5, size);
    const window = noise(size, size + 1);
    const bins = Uint16Array.from({ length: size / 2 + 1 }, (_, i) => i);
    const power = new Float64Array(bins.length).fill(3);
    new PowerSpectrum(size).add(samples, { start: 5, window }, bins, power);
    for (const k of bins) {
      let re = 0;
      let im = 0;
      for (let i = 0; i < size; i++) {
        const angle = (2 * Math.PI * ((i * k) % size)) / size;
        re += samples[5 + i] * window[i] * Math.cos(angle);
        im -= samples[5 + i] * window[i] * Math.sin(angle);
      }
      const expected = 3 + re * re + im * im;
      assert.ok(Math.abs(power[k] - expected) < 1e-13 * expected, `size ${size}, bin ${k}`);
    }
  }
  assert.throws(() => new PowerSpectrum(1000), RangeError);
});

test('nearest-neighbour scaling selects the same pixels as Pillow', () => {
  const cases: { source: number; target: number; sources: number[] }[] = JSON.parse(readFileSync(golden, 'utf8'));
  assert.ok(cases.length > 10);
  for (const { source, target, sources } of cases) {
    assert.deepEqual([...nearestSources(source, target)], sources, `${source} to ${target}`);
  }
});

test('nearest-neighbour scaling works for sources of more than 65,536 pixels', () => {
  assert.deepEqual([...nearestSources(70_000, 4)], [8750, 26_250, 43_750, 61_250]);
  assert.deepEqual([...nearestSources(2 ** 18, 4)], [2 ** 15, 3 * 2 ** 15, 5 * 2 ** 15, 7 * 2 ** 15]);
});

test('a tone at half scale has -6.02 dB in its row throughout the clip', () => {
  const rate = 16000;
  const bin = 100;
  const tone = Float64Array.from({ length: rate }, (_, i) =>
    i < rate / 2 ? 0 : 0.5 * Math.sin((2 * Math.PI * bin * i) / 1024),
  );
  const indices = new SpectrogramImager({ rate, samples: rate, height: 513, width: 800 }).indices(tone);
  const index = (row: number, column: number) => indices[(512 - row) * 800 + column];
  assert.equal(indices.length, 513 * 800);
  assert.equal(index(bin, 600), 1 + Math.floor((1 + (20 * Math.log10(0.5)) / 120) * 249));
  assert.equal(index(bin, 300), 0);
  assert.equal(index(bin + 100, 600), 0);
});

test('an imager keeps no state between clips, and its colours match its indices', () => {
  const size = { height: 60, width: 90 };
  const imager = new SpectrogramImager({ rate: 8000, samples: 8000, ...size });
  const first = imager.image(noise(8000, 1));
  assert.notDeepEqual(imager.image(noise(8000, 2)), first);
  assert.deepEqual(imager.image(noise(8000, 1)), first);
  assert.deepEqual(clipImage(noise(8000, 1), 8000, size), first);
  const indices = imager.indices(noise(8000, 1));
  assert.deepEqual(
    [...first],
    [...indices].flatMap((index) => [...PALETTE.subarray(3 * index, 3 * index + 3)]),
  );
});

test('a spectrogram without options keeps the pixels of earlier versions, and options change the pixels', async () => {
  const draw = async (options: object) => {
    const set = featureSetSchema.parse({ kind: 'spectrogram', ...options });
    const prepare = await featureKindOf(set).loadExtractor(set);
    return prepare({ rate: 8000, samples: 8000 })(noise(8000, 1)) as Uint8Array;
  };
  const plain = await draw({});
  assert.equal(sha256(plain), '3644d5ed992d1f459a96e103e9b106df14df865efd00c87645b220853c543393');
  const asSox = { window: 'hann', dynamicRange: 120, maximum: 0, frame: 1024, columns: 800, monochrome: false };
  assert.deepEqual(await draw(asSox), plain);
  const other = { window: 'hamming', dynamicRange: 80, maximum: -10, frame: 256, columns: 100, monochrome: true };
  for (const [key, value] of Object.entries(other)) assert.notDeepEqual(await draw({ [key]: value }), plain, key);
});

test('silence is black, and samples above full scale are clipped', () => {
  const imager = new SpectrogramImager({ rate: 8000, samples: 8000, height: 60, width: 90 });
  assert.ok(imager.indices(new Float64Array(8000)).every((index) => index === 0));
  const loud = noise(8000, 3).map((value) => 20 * value);
  const clipped = loud.map((value) => Math.max(-1, Math.min(1 - 2 ** -31, value)));
  assert.notDeepEqual(clipped, loud);
  assert.deepEqual(imager.image(loud), imager.image(clipped));
});

test('rejects clips from which no spectrogram can be computed', () => {
  const size = { height: 60, width: 90 };
  const nan = noise(8000, 4);
  nan[4321] = Number.NaN;
  assert.throws(() => clipImage(nan, 8000, size), { code: 'WAV_NOT_FINITE', context: { sample: 4321 } });
  assert.throws(() => clipImage(new Float64Array(0), 8000, size), { code: 'WAV_EMPTY' });
  assert.throws(() => clipImage(new Float64Array(2), 48000, size), { code: 'WAV_EMPTY' });
  const imager = new SpectrogramImager({ rate: 8000, samples: 8000, ...size });
  assert.throws(() => imager.image(noise(7999, 5)), /8000 samples, not 7999/);
});
