import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { MONOCHROME, Random } from '@cryfold/core';
import { type Augmentation, stepsOf } from '../src/augment/augmentation.js';
import { colourScaleOf, levelTable } from '../src/augment/colour-scale.js';
import { drawAugmentation } from '../src/augment/draw.js';
import { concatenate } from '../src/layers/concatenate.js';
import { dense } from '../src/layers/dense.js';
import { flatten } from '../src/layers/flatten.js';
import { type Model, VECTORS } from '../src/models/model.js';
import { LENGTHS } from '../src/models/output.js';
import { Network } from '../src/network.js';
import { adam } from '../src/optimizers/adam.js';
import { loadTensorFlow } from '../src/tensorflow.js';
import { figures, initialWeights, uniform } from './generator.js';
import { coloured, spectrograms } from './spectrograms.js';
import { range } from './stripes.js';

const tf = loadTensorFlow({ threads: 1 });
const data = spectrograms();
const { height, width, images, levels, labels, classCount } = data;
const pixels = height * width;
const batch = Int32Array.of(3, 0, 8, 21, 5);

/** A network that only computes how it would change the images. */
async function changing(augment: Augmentation, given = images, decibels = 120): Promise<Network> {
  const { any, changesImages, ...steps } = stepsOf(augment);
  const model: Model = {
    name: 'linear',
    inputShape: [height, width, 3],
    layers: [flatten('flatten'), dense('dense', classCount)],
  };
  const scale = changesImages ? colourScaleOf(given, decibels) : undefined;
  const network = await Network.load(tf, model, classCount, { optimizer: adam(), augment: { ...steps, scale } });
  network.initialize(1);
  network.feed(given, labels);
  return network;
}

const vector = (...values: number[]) => ({ data: Float32Array.from(values) });

/** The levels of an image in SoX's colours; fails for any other colour. */
function levelsOf(changed: Float32Array, example: number): number[] {
  const own = Uint8Array.from(changed.subarray(3 * pixels * example, 3 * pixels * (example + 1)));
  const scale = colourScaleOf(own);
  assert.ok(scale, 'a colour that is not on the scale');
  const table = levelTable(scale);
  return Array.from({ length: pixels }, (_, i) => table[6 * own[3 * i] + own[3 * i + 1] + own[3 * i + 2]]);
}

const original = (example: number) => [...levels.subarray(batch[example] * pixels, (batch[example] + 1) * pixels)];
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const power = (level: number) => (level === 0 ? 0 : 10 ** (((level - 0.5) * 120) / 249 / 10 - 12));

after(() => {
  assert.equal(tf.memory().numTensors, 0);
  assert.equal(tf.node.getNumOfSavedModels(), 0);
});

test('detects the colour scale of images, and detects no scale for other colours', () => {
  assert.equal(colourScaleOf(images)?.name, 'sox');
  assert.equal(colourScaleOf(MONOCHROME)?.name, 'monochrome');
  assert.equal(colourScaleOf(Uint8Array.of(3, 3, 3, 4, 4, 4, 255, 255, 255))?.name, 'monochrome');
  assert.equal(colourScaleOf(Uint8Array.from({ length: 768 }, (_, i) => Math.floor(i / 3)))?.name, 'grey');
  assert.equal(colourScaleOf(Uint8Array.of(0, 0, 0))?.name, 'sox');
  // For this colour, 6 R + G + B has the same value as for a colour of the scale.
  assert.equal(colourScaleOf(Uint8Array.of(0, 3, 0)), undefined);
  assert.equal(colourScaleOf(Uint8Array.of(1, 2, 3)), undefined);
});

describe('augmentation of images', () => {
  const all = { timeShift: 0.3, gain: 6, timeMask: 0.3, frequencyMask: 0.3, masks: 2 };

  test('an image is unchanged without settings, on either scale', async () => {
    const grey = Uint8Array.from({ length: images.length }, (_, i) => levels[Math.floor(i / 3)]);
    for (const given of [images, grey]) {
      const network = await changing({ ...all, mixup: 1 }, given);
      const examples = batch.length;
      const draws = drawAugmentation(all, { examples, height, width }, new Random(1));
      const same = network.augmented(batch, 0, {
        columns: { data: Int32Array.from({ length: examples * width }, (_, i) => i % width), shape: [examples, width] },
        gain: vector(0, 0, 0, 0, 0),
        rowsKept: { data: new Float32Array(examples * height).fill(1), shape: [examples, height] },
        columnsKept: { ...draws.columnsKept, data: new Float32Array(examples * width).fill(1) },
        partners: { data: Int32Array.of(1, 2, 3, 4, 0) },
        shares: vector(1, 1, 1, 1, 1),
      });
      const expected = [...batch].flatMap((i) => [...given.subarray(3 * pixels * i, 3 * pixels * (i + 1))]);
      assert.deepEqual([...same], expected);
      network.dispose();
    }
  });

  test('a shift rotates an image in time, and each row keeps its pixels', async () => {
    const network = await changing({ timeShift: 0.3 });
    const draws = drawAugmentation({ timeShift: 0.3 }, { examples: batch.length, height, width }, new Random(2));
    const changed = network.augmented(batch, 0, draws);
    for (let example = 0; example < batch.length; example++) {
      const own = original(example);
      const sources = draws.columns.data.subarray(example * width, (example + 1) * width);
      const expected = own.map((_, i) => own[i - (i % width) + sources[i % width]]);
      assert.deepEqual(levelsOf(changed, example), expected);
      assert.ok(Math.abs(mean(expected) - mean(own)) < 1e-9);
    }
    network.dispose();
  });

  test('the gain makes an image louder or quieter, except for silence', async () => {
    const network = await changing({ gain: 6 });
    const steps = [0, 1, 12, -12, 60];
    const changed = network.augmented(batch, 0, { gain: vector(...steps.map((step) => (step * 120) / 249)) });
    for (const [example, step] of steps.entries()) {
      const expected = original(example).map((level) => (level === 0 ? 0 : Math.min(250, Math.max(0, level + step))));
      assert.deepEqual(levelsOf(changed, example), expected);
    }
    network.dispose();
  });

  test('masked areas get the mean level of the image, and other areas are unchanged', async () => {
    const augment = { timeMask: 0.3, frequencyMask: 0.3, masks: 2 };
    const network = await changing(augment);
    const draws = drawAugmentation(augment, { examples: batch.length, height, width }, new Random(4));
    const changed = network.augmented(batch, 0, draws);
    const { rowsKept, columnsKept } = draws;
    let hidden = 0;
    for (let example = 0; example < batch.length; example++) {
      const own = original(example);
      const found = levelsOf(changed, example);
      const isKept = (i: number) =>
        rowsKept.data[example * height + Math.floor(i / width)] * columnsKept.data[example * width + (i % width)] === 1;
      for (const [i, level] of found.entries()) {
        if (isKept(i)) assert.equal(level, own[i]);
        else assert.ok(Math.abs(level - mean(own)) <= 0.5 + 1e-3, `${level}, not ${mean(own)}`);
      }
      hidden += found.filter((_, i) => !isKept(i)).length;
      // Masked pixels are set to the mean level, so the mean changes by no more than the pixels' deviation from it.
      assert.ok(Math.abs(mean(found) - mean(own)) < 25);
    }
    assert.ok(hidden > 0 && hidden < batch.length * pixels);
    network.dispose();
  });

  test('noise makes an image louder by its mean power, except for silence, and depends on the seed', async () => {
    const network = await changing({ noise: 1 });
    const silent = levels.slice();
    silent.fill(0, batch[4] * pixels, (batch[4] + 1) * pixels);
    network.feed(coloured(silent), labels);
    const ratios = [0, 0.1, 0.5, 1, 1];
    const changed = network.augmented(batch, 5, { noise: vector(...ratios) });
    assert.deepEqual(levelsOf(changed, 0), original(0), 'no noise');
    for (const example of [1, 2, 3]) {
      const [before, found] = [original(example), levelsOf(changed, example)].map((all) => mean(all.map(power)));
      // The mean of this many exponential variables has a relative spread of 5 %; a third of the pixels are loud.
      assert.ok(Math.abs(found / before - 1 - ratios[example]) < 0.35, `${found / before} with ${ratios[example]}`);
      assert.ok(levelsOf(changed, example).filter((level) => level === 0).length < 5, 'noise is everywhere');
    }
    assert.ok(levelsOf(changed, 4).every((level) => level === 0));
    const again = (seed: number) => network.augmented(batch, seed, { noise: vector(...ratios) });
    assert.deepEqual(again(5), changed);
    assert.notDeepEqual(again(6), changed);
    network.dispose();
  });

  test('a loud image stays loud with weak noise on a scale of 240 dB', async () => {
    const loud = new Uint8Array(images.length).fill(250);
    const network = await changing({ noise: 0.1 }, loud, 240);
    const changed = network.augmented(batch, 5, { noise: vector(0.1, 0.1, 0.1, 0.1, 0.1) });
    // Noise with a tenth of the power may cancel the sound in a pixel, but seldom lowers its level by more than 30 dB.
    assert.ok(changed.every((value) => value > 250 - 64));
    network.dispose();
  });

  test('mixup returns the mean of two images of the batch, weighted by their shares', async () => {
    const network = await changing({ mixup: 1 });
    const [partners, shares] = [Int32Array.of(1, 2, 3, 4, 0), [1, 0.5, 0.75, 0.625, 1]];
    const changed = network.augmented(batch, 0, { partners: { data: partners }, shares: vector(...shares) });
    for (let i = 0; i < changed.length; i++) {
      const example = Math.floor(i / 3 / pixels);
      const at = i % (3 * pixels);
      const own = images[batch[example] * 3 * pixels + at];
      const other = images[batch[partners[example]] * 3 * pixels + at];
      assert.ok(Math.abs(changed[i] - (shares[example] * own + (1 - shares[example]) * other)) < 1e-3);
    }
    network.dispose();
  });
});

describe('the loss of mixed examples', () => {
  const golden: { softTargets: { rate: number; losses: number[]; gradients: Record<string, number[]> } } = JSON.parse(
    readFileSync(new URL('../../test/goldens/augment.json', import.meta.url), 'utf8'),
  );
  const [examples, columns, classes] = [8, 6, 5];
  const shares = Float32Array.from(uniform('shares', examples), (u) => 0.5 + 0.5 * u);
  const augmentation = {
    partners: { data: range(0, examples).map((i) => (3 * i + 1) % examples) },
    shares: { data: shares },
  };
  const rows = range(0, examples);
  const targetOf = (i: number, label: number) =>
    (i % classes === label ? shares[i] : 0) + (((3 * i + 1) % examples) % classes === label ? 1 - shares[i] : 0);
  async function mixing(own: Partial<Model> = {}): Promise<Network> {
    const { any, changesImages, ...augment } = stepsOf({ mixup: 1 });
    const layers = [dense('dense', 7, 'relu'), dense('dense_1', classes)];
    const model = { name: 'vectors', inputShape: [columns], layers, ...own };
    const network = await Network.load(tf, model, classes, { optimizer: adam(), augment });
    network.initialize(0, initialWeights(network.weights));
    network.feed(
      Float32Array.from(uniform('x', examples * columns)),
      rows.map((i) => i % classes),
      own.vectors === undefined ? undefined : Float32Array.from(uniform('vectors', examples * own.vectors)),
    );
    return network;
  }

  test('losses of mixed examples, gradients and ten steps of Adam equal those of Keras with soft targets', async () => {
    const network = await mixing();
    const { rate, losses, gradients: expected } = golden.softTargets;
    const gradients = network.gradients(rows, 0, { augmentation });
    for (const [name, values] of Object.entries(expected)) {
      for (const [i, figure] of figures(gradients[name]).entries()) {
        assert.ok(Math.abs(figure - values[i]) < 1e-5, `gradient of ${name}: ${figure}, not ${values[i]}`);
      }
    }
    for (const [step, loss] of losses.entries()) {
      const found = network.step(rows, { learningRate: rate, seed: 0, augmentation }).loss;
      assert.ok(Math.abs(found - loss) < 1e-5, `loss of step ${step}: ${found}, not ${loss}`);
    }
    network.dispose();
  });

  test('mixed targets sum to 1, and each is multiplied by the weight of its own class', async () => {
    const network = await mixing();
    const classWeights = Float32Array.of(1, 2, 3, 4, 5);
    const { logits, loss, 'dense_1/bias': slope } = network.gradients(rows, 0, { augmentation, classWeights });
    const expected = [...rows].map((i) => {
      const row = [...logits.subarray(i * classes, (i + 1) * classes)];
      const total = Math.log(row.reduce((sum, logit) => sum + Math.exp(logit), 0));
      const part = (label: number) => classWeights[label] * (total - row[label]);
      return shares[i] * part(i % classes) + (1 - shares[i]) * part(((3 * i + 1) % examples) % classes);
    });
    assert.ok(Math.abs(loss[0] - mean(expected)) < 1e-5);
    // The gradient of a logit is its probability minus its target, so the gradients of all classes add up to 0.
    assert.ok(Math.abs(slope.reduce((sum, part) => sum + part, 0)) < 1e-6);
    network.dispose();
  });

  test('a capsule network uses the margin loss for the mixed target', async () => {
    const network = await mixing({ output: LENGTHS });
    const { logits: lengths, loss } = network.gradients(rows, 0, { augmentation });
    const expected = [...rows].map((i) =>
      [...lengths.subarray(i * classes, (i + 1) * classes)].reduce((sum, length, label) => {
        const target = targetOf(i, label);
        const [short, long] = [Math.max(0, 0.9 - length), Math.max(0, length - 0.1)];
        return sum + target * short ** 2 + 0.5 * (1 - target) * long ** 2;
      }, 0),
    );
    assert.ok(Math.abs(loss[0] - mean(expected)) < 1e-5, `${loss[0]}, not ${mean(expected)}`);
    network.dispose();
  });

  test('the loss of a mixed example uses vectors that are mixed like their images', async () => {
    const layers = [
      dense('dense', 3),
      { ...dense('vector_dense', 3), from: [VECTORS] },
      concatenate('concatenate', ['dense', 'vector_dense']),
      dense('dense_1', classes),
    ];
    // Without activations, the logits of a mixture are the mixture of the logits.
    const network = await mixing({ vectors: 4, layers });
    const { logits: apart } = network.evaluate(rows);
    const { logits: mixed } = network.gradients(rows, 0, { augmentation });
    for (const [at, logit] of mixed.entries()) {
      const [i, label] = [Math.floor(at / classes), at % classes];
      const other = apart[((3 * i + 1) % examples) * classes + label];
      assert.ok(Math.abs(logit - (shares[i] * apart[at] + (1 - shares[i]) * other)) < 1e-5);
    }
    network.dispose();
  });
});
