import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { MONOCHROME, PALETTE, PALETTE_SIZE, Random } from '@cryfold/core';
import { synthesizeCorpus } from '@cryfold/corpus';
import type { RunResults } from '@cryfold/evaluation';
import { type SoxOptions, SpectrogramImager } from '@cryfold/features';
import { adam } from '@cryfold/nn/adam';
import { augmentationSteps } from '@cryfold/nn/augment';
import { smallCnn } from '@cryfold/nn/models';
import { Network } from '@cryfold/nn/network';
import { loadTensorFlow } from '@cryfold/nn/tensorflow';
import { cryfold, ownStore, temporaryFolder } from './command.js';
import { withoutRedis } from './testbed.js';

const CLIPS = 12;
const SHAPE = { rate: 8000, samples: 8000, height: 60, width: 90 };
const PIXELS = SHAPE.height * SHAPE.width;
/** Maps each colour of SoX's colour and monochrome palettes to its level */
const levels = new Map(
  [PALETTE, MONOCHROME].flatMap((palette) =>
    Array.from({ length: PALETTE_SIZE }, (_, level) => [palette.subarray(3 * level, 3 * level + 3).join(), level]),
  ),
);

/** Returns the level of each pixel in images that use SoX's colours. */
function levelsOf(images: ArrayLike<number>): number[] {
  return Array.from({ length: images.length / 3 }, (_, i) => {
    const level = levels.get([0, 1, 2].map((channel) => images[3 * i + channel]).join());
    assert.ok(level !== undefined, 'a colour that SoX does not use');
    return level;
  });
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const rms = (samples: Float64Array) => Math.sqrt(mean([...samples].map((sample) => sample ** 2)));
const imagesOf = (clips: readonly Float64Array[], options: SoxOptions = {}) => {
  const imager = new SpectrogramImager({ ...SHAPE, ...options });
  return Uint8Array.from(clips.flatMap((samples) => [...imager.image(samples)]));
};

/** Returns noise that swells and fades three times, with high frequencies far quieter than low ones. */
function rustle(random: Random): Float64Array {
  let [low, lower] = [0, 0];
  return Float64Array.from({ length: SHAPE.samples }, (_, i) => {
    low += 0.2 * (random.normal() - low);
    lower += 0.2 * (low - lower);
    return 0.1 * lower * (1.1 + Math.sin((6 * Math.PI * i) / SHAPE.samples));
  });
}

/** Returns a network that is used only to augment images. */
async function changing(images: Uint8Array, options: SoxOptions = {}): Promise<Network> {
  const given = { images, ...SHAPE, decibels: options.dynamicRange, labels: new Int32Array(CLIPS), classCount: 2 };
  const augment = augmentationSteps({ gain: 1, noise: 1 }, given);
  assert.ok(augment);
  const model = smallCnn.architecture.build(SHAPE, 2, { filters: [1, 1, 1], dense: [] } as never);
  const network = await Network.load(loadTensorFlow({ threads: 1 }), model, 2, { optimizer: adam(), augment });
  network.initialize(0);
  network.feed(images, given.labels);
  return network;
}

test('changes an image by gain and noise as if they had been applied to the sound', async () => {
  const random = new Random(3);
  const clips = Array.from({ length: CLIPS }, () => rustle(random));
  const all = Int32Array.from(clips, (_, i) => i);
  const same = (value: number) => ({ data: new Float32Array(CLIPS).fill(value) });

  const amplified = clips.map((samples) => samples.map((sample) => sample * 10 ** (7.5 / 20)));
  for (const options of [{}, { dynamicRange: 60, monochrome: true }]) {
    const images = imagesOf(clips, options);
    const network = await changing(images, options);
    const louder = levelsOf(network.augmented(all, 1, { gain: same(7.5), noise: same(0) }));
    network.dispose();
    const [original, expected] = [levelsOf(images), levelsOf(imagesOf(amplified, options))];
    // Pixels at level 0 are ignored, because an image does not show how far below its scale their values are.
    for (const [i, level] of louder.entries()) assert.ok(original[i] === 0 || Math.abs(level - expected[i]) <= 1);
  }

  const images = imagesOf(clips);
  const network = await changing(images);
  const original = levelsOf(images);
  const noisy = levelsOf(network.augmented(all, 1, { gain: same(0), noise: same(0.1 ** 2) }));
  const mixed = levelsOf(
    imagesOf(
      clips.map((samples) => {
        const loudness = 0.1 * rms(samples);
        return samples.map((sample) => sample + loudness * random.normal());
      }),
    ),
  );
  const rows = (of: number[]) =>
    Array.from({ length: SHAPE.height }, (_, row) =>
      mean(of.filter((_, i) => Math.floor((i % PIXELS) / SHAPE.width) === row)),
    );
  const [before, found, expected] = [rows(original), rows(noisy), rows(mixed)];
  // One level corresponds to 0.48 dB. The mean of a row over 12 clips, each with 90 columns that overlap in time, has
  // an uncertainty of about 0.4 levels.
  for (const [row, level] of found.entries()) {
    assert.ok(Math.abs(level - expected[row]) < 2.5, `row ${row}: ${level}, not ${expected[row]}`);
  }
  assert.ok(Math.max(...expected.map((level, row) => level - before[row])) > 10, 'the noise is well above some rows');
  network.dispose();
});

const SWEEP = `
version: 1
name: augmented
protocol: { splitter: StratifiedKFold, folds: 2, repeats: 1 }
estimators:
  net: { kind: small-cnn, epochs: 1, filters: [2, 2, 2], dense: [4], balance: batches, augment: { gain: 3, noise: 0.1 } }
search:
  algorithm: grid
  space: { net: { augment.mixup: { choice: [0, 0.2] } } }
`;

test('sweeps augmentation strengths, and trains a final model of the winner', { skip: withoutRedis }, async (t) => {
  const folder = await temporaryFolder();
  t.after(folder.remove);
  const path = (name: string) => join(folder.path, name);
  await writeFile(path('sweep.yaml'), SWEEP);
  await synthesizeCorpus(path('corpus'), { clips: 60, seed: 1 });
  const done = async (...args: string[]) => {
    const { code, stdout, stderr } = await cryfold(args, { CRYFOLD_STORE: `file:${path('out/store')}` });
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout);
  };
  const args = ['--data', path('corpus'), ...ownStore(path('out')), '--workers', '1', '--json'];
  const results: RunResults = await done('sweep', path('sweep.yaml'), ...args);
  const found = results.search?.trials.map(({ parameters }) => parameters?.['augment.mixup']).sort();
  assert.deepEqual(found, [0, 0.2]);
  const { card } = await done('train-final', results.run.id, '--of', 'net', '--json');
  const { augment } = card.spec.estimators.net;
  assert.deepEqual(augment, { gain: 3, noise: 0.1, mixup: results.search?.winners[0].parameters?.['augment.mixup'] });
});
