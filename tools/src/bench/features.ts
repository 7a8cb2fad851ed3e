import { execFile, spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Random } from '@cryfold/core';
import { decodeWav, encodeWav } from '@cryfold/corpus';
import { SpectrogramImager } from '@cryfold/features';
import { decodePng, type Picture, withScratch } from '@cryfold/testing/sox';
import { type Comparison, compareInPairs, rate } from './measure.js';

const RATE = 8000;
const SIZE = { height: 60, width: 90 };
const CLIPS = 25;
/** Number of passes. cryfold takes only 1 ms per clip, so one pass would be too short to measure. */
const PASSES = 20;

/** Returns one second of a gliding tone with overtones over noise. */
function clip(seed: number): Float64Array {
  const random = new Random(seed);
  const pitch = random.uniform(300, 600);
  return Float64Array.from({ length: RATE }, (_, i) => {
    const phase = 2 * Math.PI * (pitch + 80 * Math.sin((3 * i) / RATE)) * (i / RATE);
    return 0.3 * Math.sin(phase) + 0.1 * Math.sin(2 * phase) + 0.05 * Math.sin(5 * phase) + random.normal(0, 0.01);
  });
}

/** Resizes a decoded PNG by nearest neighbour and looks up its palette. @returns height x width x RGB */
function resize({ width, height, indices, palette }: Picture): Uint8Array {
  const image = new Uint8Array(SIZE.height * SIZE.width * 3);
  for (let row = 0, to = 0; row < SIZE.height; row++) {
    const from = Math.floor(((row + 0.5) * height) / SIZE.height) * width;
    for (let column = 0; column < SIZE.width; column++, to += 3) {
      const index = indices[from + Math.floor(((column + 0.5) * width) / SIZE.width)];
      image.set(palette.subarray(3 * index, 3 * index + 3), to);
    }
  }
  return image;
}

/**
 * Compares two ways of converting WAV files to images: cryfold's, as in `cryfold run`, and one sox process per clip
 * with a reader for its PNG files.
 */
export async function compare(): Promise<Comparison[]> {
  if (spawnSync('sox', ['--version']).status !== 0) {
    throw new Error('sox is not installed, so there is nothing to compare with (Debian: apt-get install sox)');
  }
  return withScratch(async (directory) => {
    const paths = Array.from({ length: CLIPS }, (_, i) => join(directory, `${i}.wav`));
    for (const [i, path] of paths.entries()) await writeFile(path, encodeWav(clip(i), RATE));
    const imager = new SpectrogramImager({ rate: RATE, samples: RATE, ...SIZE });
    const ours = async () => {
      for (const path of paths) imager.image(decodeWav(await readFile(path), path).samples);
    };
    // One shell starts all sox processes, which is faster than starting each one from Node.
    const script = 'for wav; do sox "$wav" -n spectrogram -r -o "$wav.png" || exit 1; done';
    const theirs = async () => {
      await promisify(execFile)('sh', ['-c', script, 'sh', ...paths]);
      for (const path of paths) resize(decodePng(await readFile(`${path}.png`)));
    };
    const images = await compareInPairs({
      name: 'features: one-second WAV files to 60x90 images',
      peer: 'sox + resize',
      unit: 'images/s',
      target: 10,
      ours: () =>
        rate(PASSES * CLIPS, async () => {
          for (let pass = 0; pass < PASSES; pass++) await ours();
        }),
      theirs: () => rate(CLIPS, theirs),
    });
    return [images];
  });
}
