import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { denseNetwork } from '../src/models/dense-network.js';
import type { Model } from '../src/models/model.js';
import { resnet50 } from '../src/models/resnet50.js';
import { smallCnn } from '../src/models/small-cnn.js';
import { twoBranch } from '../src/models/two-branch.js';
import { Network } from '../src/network.js';
import { adam, adamW } from '../src/optimizers/adam.js';
import type { Optimizer } from '../src/optimizers/optimizer.js';
import { sgd } from '../src/optimizers/sgd.js';
import { loadTensorFlow } from '../src/tensorflow.js';
import { figures, initialWeights, waveImages, waveVectors } from './generator.js';

interface Golden {
  /** Of the images, or of the vectors where a network reads them alone */
  shape: number[];
  rate: number;
  inference: number[];
  training: number[];
  loss: number;
  gradients: Record<string, number[]>;
  statistics: Record<string, number[]>;
  optimizers: Record<string, { losses: number[]; change: Record<string, number[]> }>;
}

const CLASSES = 5;
/** Of the vectors */
const COLUMNS = 10;
const tf = loadTensorFlow({ threads: 1 });

/**
 * Fails unless every figure is within `tolerance` of the largest, which is the tensor's norm. The gradient of a shift
 * that the next BatchNormalization removes is 0 in truth and 1e-9 in float32: `floor` is the least scale that counts.
 */
function assertClose(
  actual: readonly number[],
  expected: readonly number[],
  tolerance: number,
  what: string,
  floor = 1e-3,
) {
  const scale = Math.max(floor, ...expected.map(Math.abs));
  const worst = Math.max(...expected.map((value, i) => Math.abs(actual[i] - value))) / scale;
  assert.ok(worst <= tolerance, `${what}: off by ${worst} of ${scale}`);
}

const SUITES: [
  string,
  (image: { height: number; width: number }) => Model,
  Record<string, (rate: number) => [Optimizer, number]>,
][] = [
  [
    'small-cnn',
    (image) => smallCnn(image, CLASSES, { filters: [8, 12, 16], dense: [20] }),
    {
      adam: (rate) => [adam(), rate],
      adamw: (rate) => [adamW(0.1), rate],
      sgd: (rate) => [sgd(0.9), 10 * rate],
    },
  ],
  [
    'dense',
    () => denseNetwork({ columns: COLUMNS }, CLASSES, { dense: [20, 12], dropout: 0 }),
    { adam: (rate) => [adam(), rate] },
  ],
  [
    'two-branch',
    (image) =>
      twoBranch({ ...image, columns: COLUMNS }, CLASSES, {
        ...{ filters: [8, 12, 16], imageDense: [14], vectorDense: [9, 7], dense: [11], dropout: 0 },
      }),
    { adam: (rate) => [adam(), rate] },
  ],
  ['resnet50', (image) => resnet50(image, CLASSES, { dropout: 0, dense: [24] }), { adam: (rate) => [adam(), rate] }],
];

for (const [name, build, optimizers] of SUITES) {
  describe(`${name} equals Keras`, () => {
    const golden: Golden = JSON.parse(
      readFileSync(new URL(`../../test/goldens/${name}.json`, import.meta.url), 'utf8'),
    );
    const [count, height, width] = golden.shape;
    const indices = Int32Array.from({ length: count }, (_, i) => i);
    for (const [kind, make] of Object.entries(optimizers)) {
      const [optimizer, learningRate] = make(golden.rate);
      test(`${kind}`, async () => {
        const network = await Network.load(tf, build({ height, width }), CLASSES, { optimizer });
        const weights = initialWeights(network.weights);
        network.initialize(0, weights);
        const { vectors } = build({ height, width });
        network.feed(
          width === undefined ? waveVectors(count, COLUMNS) : waveImages(count, height, width),
          indices.map((i) => i % CLASSES),
          vectors === undefined ? undefined : waveVectors(count, vectors),
        );
        if (kind === 'adam') {
          const { loss, logits, ...gradients } = network.gradients(indices);
          assertClose([...network.evaluate(indices).logits], golden.inference, 1e-4, 'logits in inference mode');
          assertClose([...logits], golden.training, 1e-4, 'logits in training mode');
          assertClose([loss[0]], [golden.loss], 1e-4, 'loss');
          assert.deepEqual(Object.keys(gradients).sort(), Object.keys(golden.gradients).sort());
          for (const [weight, expected] of Object.entries(golden.gradients)) {
            assertClose(figures(gradients[weight]), expected, 1e-3, `gradient of ${weight}`);
          }
        }
        const expected = golden.optimizers[kind];
        for (const [step, loss] of expected.losses.entries()) {
          assertClose([network.step(indices, { learningRate, seed: 0 }).loss], [loss], 1e-3, `loss of step ${step}`);
          if (step > 0 || kind !== 'adam') continue;
          const after = network.read();
          for (const [statistic, batch] of Object.entries(golden.statistics)) {
            const start = weights.get(statistic)?.data ?? [];
            const moved = after.get(statistic)?.data.map((x, i) => (x - 0.99 * start[i]) / 0.01) ?? [];
            assertClose(figures(moved), batch, 1e-3, `batch statistic ${statistic}`);
          }
        }
        const after = network.read();
        for (const [weight, change] of Object.entries(expected.change)) {
          const start = weights.get(weight)?.data ?? new Float32Array();
          const end = after.get(weight)?.data ?? new Float32Array();
          const moved = figures(end.map((x, i) => x - start[i]));
          assertClose(moved, change, 1e-4, `change of ${weight}`, figures(start)[0]);
        }
        network.dispose();
      });
    }
  });
}
