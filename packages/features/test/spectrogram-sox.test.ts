import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { MONOCHROME, PALETTE, Random } from '@cryfold/core';
import { decodeWav, encodeWav } from '@cryfold/corpus';
import { type ImagerOptions, type SoxOptions, SpectrogramImager } from '@cryfold/features';
import { type Picture, sox, soxMissing, soxPicture, soxPictureOf, withScratch } from '@cryfold/testing/sox';
import { nearestSources } from '../src/spectrogram.js';

const recordings = fileURLToPath(new URL('../../../../../shared/data/donateacry', import.meta.url));

/** A gliding tone over noise, with digital silence, an impulse and a clipped part. */
function glide(length: number, seed: number): Float64Array {
  const random = new Random(seed);
  return Float64Array.from({ length }, (_, i) => {
    const t = i / length;
    if (t > 0.3 && t < 0.5) return i === Math.floor(0.32 * length) ? -1 : 0;
    const level = t > 0.8 ? 2 : 0.5 * (1 - t);
    const tone = level * Math.sin(40 * Math.sin(3 * t) * t * Math.sqrt(length)) + random.normal(0, 1e-3);
    return Math.max(-1, Math.min(32767 / 32768, tone));
  });
}

interface Tally {
  pixels: number;
  different: number;
  /** the largest difference in palette steps */
  furthest: number;
}

/** Compares the colour indices of cryfold's image with sox's image, resized to the same size by nearest neighbour. */
function compare(samples: Float64Array, options: Omit<ImagerOptions, 'samples'>, theirs: Picture): Tally {
  const { height, width } = options;
  const ours = new SpectrogramImager({ ...options, samples: samples.length }).indices(samples);
  const rows = nearestSources(theirs.height, height);
  const columns = nearestSources(theirs.width, width);
  const tally = { pixels: ours.length, different: 0, furthest: 0 };
  for (let i = 0; i < ours.length; i++) {
    const at = rows[Math.floor(i / width)] * theirs.width + columns[i % width];
    const distance = Math.abs(ours[i] - theirs.indices[at]);
    if (distance > 0) tally.different++;
    tally.furthest = Math.max(tally.furthest, distance);
  }
  return tally;
}

/**
 * The share of pixels that may differ by one step because rounding moves their level across the border between two
 * colours. Measured: 0 of 2,700,000 pixels of real recordings.
 */
const TOLERATED = 1e-4;

function assertEqualPicture(samples: Float64Array, rate: number, theirs: Picture, what: string): void {
  const { height, width } = theirs;
  assertFew(compare(samples, { rate, height, width }, theirs), what);
}

function assertFew({ pixels, different, furthest }: Tally, what: string): void {
  assert.ok(furthest <= 1, `${what}: a pixel is ${furthest} steps off`);
  assert.ok(different <= pixels * TOLERATED, `${what}: ${different} of ${pixels} pixels differ`);
}

// In each case, columns or windows are determined in a different way.
const SHAPES: [rate: number, samples: number, columns: number, why: string][] = [
  [8000, 8000, 800, "the paper's: 10 samples a column"],
  [8000, 4000, 800, '5 samples a column'],
  [8000, 12000, 800, '15 samples a column, which sox computes as 14.999…'],
  [8000, 3500, 800, '4.375 samples a column: the end is not drawn'],
  [8000, 300, 301, 'shorter than a frame, at most 5000 columns a second'],
  [11025, 11025, 800, '13.78 samples a column'],
  [16000, 16000, 800, '20 samples a column'],
  [22050, 22050, 800, '27.56 samples a column'],
  [44100, 44100, 800, '55.125 samples a column'],
  [44100, 88200, 800, 'two seconds'],
  [48000, 700, 78, 'frames that reach over both ends'],
  [48000, 2400, 267, 'a whole frame, but fewer than 800 columns'],
  [8000, 410400, 799, 'two frames a column, the last column of one'],
];

test('the raw spectrogram image equals sox’s, for many rates and lengths', { skip: soxMissing }, () =>
  withScratch(async (directory) => {
    const seen = new Set<number>();
    for (const [rate, samples, columns, why] of SHAPES) {
      const wav = encodeWav(glide(samples, samples), rate);
      const theirs = await soxPictureOf(wav, directory, 'shape');
      assert.deepEqual([theirs.width, theirs.height], [columns, 513], `${samples} samples at ${rate} Hz: ${why}`);
      assert.deepEqual(theirs.palette, PALETTE);
      assertEqualPicture(decodeWav(wav, why).samples, rate, theirs, `${samples} samples at ${rate} Hz: ${why}`);
      for (const index of theirs.indices) seen.add(index);
    }
    assert.equal(seen.size, 251, 'the clips reach every colour');
  }),
);

const OPTIONS: [options: SoxOptions, ofSox: string[]][] = [
  [{ window: 'hamming' }, ['-w', 'hamming']],
  [{ window: 'bartlett' }, ['-w', 'bartlett']],
  [{ window: 'rectangular' }, ['-w', 'rectangular']],
  [{ dynamicRange: 60 }, ['-z', '60']],
  [{ maximum: -20 }, ['-Z', '-20']],
  [{ frame: 128 }, ['-y', '65']],
  [{ frame: 2048, window: 'hamming' }, ['-y', '1025', '-w', 'hamming']],
  [{ columns: 100 }, ['-x', '100']],
  [{ columns: 1600 }, ['-x', '1600']],
  [{ monochrome: true, dynamicRange: 90, maximum: 10 }, ['-m', '-z', '90', '-Z', '10']],
  [{ frame: 256, window: 'rectangular', columns: 120 }, ['-y', '129', '-w', 'rectangular', '-x', '120']],
];

test('each spectrogram option acts as in sox, even at the ends of clips and at any size', { skip: soxMissing }, () =>
  withScratch(async (directory) => {
    // One second; frames that extend beyond both ends; several frames per column, whose number depends on the window.
    for (const [rate, length, options] of [
      [8000, 8000, OPTIONS],
      [16000, 700, OPTIONS],
      [8000, 300_000, OPTIONS.slice(0, 3)],
    ] as const) {
      const path = join(directory, 'clip.wav');
      await writeFile(path, encodeWav(glide(length, length), rate));
      const { samples } = decodeWav(await readFile(path), path);
      for (const [own, ofSox] of options) {
        const what = `${length} samples at ${rate} Hz, ${ofSox.join(' ')}`;
        const theirs = await soxPicture(path, ...ofSox);
        assert.deepEqual(theirs.palette, own.monochrome ? MONOCHROME : PALETTE, what);
        const { height, width } = theirs;
        assertFew(compare(samples, { rate, height, width, ...own }, theirs), what);
        assertFew(compare(samples, { rate, height: 60, width: 1024, ...own }, theirs), `${what}, 60 x 1024`);
      }
    }
  }),
);

test(
  'every WAV encoding produces the same image as in sox, even with float samples beyond full scale',
  { skip: soxMissing },
  () =>
    withScratch(async (directory) => {
      const plain = await soxPictureOf(encodeWav(glide(8000, 1), 8000), directory, 'source');
      const source = join(directory, 'source.wav');
      const encodings = [
        ['-b', '8'],
        ['-b', '24'],
        ['-b', '32'],
        ['-e', 'float', '-b', '32'],
      ];
      for (const encoding of encodings) {
        const path = join(directory, 'encoded.wav');
        // The gain produces samples that do not fit into 16 bits.
        await sox('-D', source, ...encoding, path, 'gain', '-3.3');
        const { samples } = decodeWav(await readFile(path), encoding.join(' '));
        const theirs = await soxPicture(path);
        assert.notDeepEqual(theirs.indices, plain.indices);
        assertEqualPicture(samples, 8000, theirs, encoding.join(' '));
      }
      // Doubles the samples of the float file in place, so that half of them are outside [-1, 1].
      const path = join(directory, 'encoded.wav');
      const bytes = await readFile(path);
      const from = bytes.indexOf('data') + 8;
      for (let at = from; at + 4 <= bytes.length; at += 4) bytes.writeFloatLE(2 * bytes.readFloatLE(at), at);
      const { samples } = decodeWav(bytes, 'loud');
      assert.ok(samples.some((value) => Math.abs(value) > 1.3));
      assertEqualPicture(samples, 8000, await soxPictureOf(bytes, directory, 'loud'), 'float beyond full scale');
    }),
);

test(
  "500 real one-second clips have the paper's images",
  {
    skip: soxMissing || (existsSync(recordings) ? false : 'the recordings of ../shared/data/donateacry do not exist'),
    timeout: 600_000,
  },
  (t) =>
    withScratch(async (directory) => {
      const files = readdirSync(recordings, { recursive: true, encoding: 'utf8' })
        .filter((path) => path.endsWith('.wav'))
        .sort();
      const step = files.length / 500;
      const total: Tally = { pixels: 0, different: 0, furthest: 0 };
      let next = 0;
      const lane = async () => {
        while (next < 500) {
          const clip = next++;
          const path = files[Math.floor(clip * step)];
          const { samples, rate } = decodeWav(await readFile(join(recordings, path)), path);
          const second = samples.slice((clip % 6) * rate, ((clip % 6) + 1) * rate);
          const theirs = await soxPictureOf(encodeWav(second, rate), directory, `clip-${clip}`);
          const tally = compare(second, { rate, height: 60, width: 90 }, theirs);
          total.pixels += tally.pixels;
          total.different += tally.different;
          total.furthest = Math.max(total.furthest, tally.furthest);
        }
      };
      await Promise.all([lane(), lane()]);
      t.diagnostic(`${total.different} of ${total.pixels} pixels differ, by at most ${total.furthest} step`);
      assert.equal(total.pixels, 500 * 60 * 90);
      assert.ok(total.different <= total.pixels * TOLERATED, `${total.different} of ${total.pixels} pixels differ`);
      assert.ok(total.furthest <= 1, `a pixel is ${total.furthest} steps off`);
    }),
);
