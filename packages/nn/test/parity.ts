import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { Model } from '../src/models/model.js';
import { Network } from '../src/network.js';
import { adam, adamW } from '../src/optimizers/adam.js';
import type { Optimizer } from '../src/optimizers/optimizer.js';
import { sgd } from '../src/optimizers/sgd.js';
import { loadTensorFlow } from '../src/tensorflow.js';
import { figures, initialWeights, waveImages, waveVectors } from './generator.js';

interface Golden {
  /** Shape of the images, or of the vectors if a network reads only vectors */
  shape: number[];
  rate: number;
  inference: number[];
  training: number[];
  loss: number;
  gradients: Record<string, number[]>;
  statistics: Record<string, number[]>;
  optimizers: Record<string, { losses: number[]; change: Record<string, number[]> }>;
}

/** Number of classes in every golden */
export const CLASSES = 5;
/** Length of the vectors in every golden */
export const COLUMNS = 10;
const tf = loadTensorFlow({ threads: 1 });

const OPTIMIZERS: Record<string, (rate: number) => [Optimizer, number]> = {
  adam: (rate) => [adam(), rate],
  adamw: (rate) => [adamW(0.1), rate],
  sgd: (rate) => [sgd(0.9), 10 * rate],
};

/**
 * Fails if a value differs by more than `tolerance` times the largest value, which is the tensor's norm. If the next
 * BatchNormalization removes a shift, the gradient of the shift should be 0, but is about 1e-9 in float32. Therefore,
 * `floor` replaces the largest value if that is smaller.
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
  note(what.split(' of ')[0], worst);
  assert.ok(worst <= tolerance, `${what}: off by ${worst} of ${scale}`);
}

/** The largest difference for each kind of value, to be reported in docs/models.md. */
const worst = new Map<string, number>();
function note(what: string, value: number) {
  worst.set(what, Math.max(value, worst.get(what) ?? 0));
}

type Build = (image: { height: number; width: number }) => Model;

/**
 * Declares tests that a network matches Keras's results from scripts/goldens/nn.py, with each available optimiser.
 * @param momentum momentum of Keras's moving statistics
 */
export function equalsKeras(name: string, build: Build, momentum = 0.99): void {
  describe(`${name} equals Keras`, () => {
    const golden: Golden = JSON.parse(
      readFileSync(new URL(`../../test/goldens/${name}.json`, import.meta.url), 'utf8'),
    );
    for (const kind of Object.keys(golden.optimizers)) {
      test(kind, async (t) => {
        worst.clear();
        await compare(golden, kind, build, momentum);
        t.diagnostic([...worst].map(([what, value]) => `${what} ${value.toExponential(1)}`).join(', '));
      });
    }
  });
}

async function compare(golden: Golden, kind: string, build: Build, momentum: number): Promise<void> {
  const [count, height, width] = golden.shape;
  const indices = Int32Array.from({ length: count }, (_, i) => i);
  const [optimizer, learningRate] = OPTIMIZERS[kind](golden.rate);
  const model = build({ height, width });
  const network = await Network.load(tf, model, CLASSES, { optimizer });
  const weights = initialWeights(network.weights);
  network.initialize(0, weights);
  network.feed(
    width === undefined ? waveVectors(count, COLUMNS) : waveImages(count, height, width),
    indices.map((i) => i % CLASSES),
    model.vectors === undefined ? undefined : waveVectors(count, model.vectors),
  );
  if (kind === 'adam') {
    const { loss, logits, ...gradients } = network.gradients(indices);
    assertClose([...network.evaluate(indices).logits], golden.inference, 1e-4, 'logits in inference mode');
    assertClose([...logits], golden.training, 1e-4, 'logits in training mode');
    assertClose([loss[0]], [golden.loss], 1e-4, 'loss');
    assert.deepEqual(Object.keys(gradients).sort(), Object.keys(golden.gradients).sort());
    for (const [weight, expected] of Object.entries(golden.gradients)) {
      assertClose(figures(gradients[weight], expected.length - 1), expected, 1e-3, `gradient of ${weight}`);
    }
  }
  const expected = golden.optimizers[kind];
  for (const [step, loss] of expected.losses.entries()) {
    assertClose(
      [network.step(indices, { learningRate, seed: 0, momentum }).loss],
      [loss],
      1e-3,
      `loss of step ${step}`,
    );
    if (step > 0 || kind !== 'adam') continue;
    const after = network.read();
    for (const [statistic, batch] of Object.entries(golden.statistics)) {
      const start = weights.get(statistic)?.data ?? [];
      const moved = after.get(statistic)?.data.map((x, i) => (x - momentum * start[i]) / (1 - momentum)) ?? [];
      assertClose(figures(moved, batch.length - 1), batch, 1e-3, `batch statistic of ${statistic}`);
    }
  }
  const after = network.read();
  for (const [weight, change] of Object.entries(expected.change)) {
    const start = weights.get(weight)?.data ?? new Float32Array();
    const end = after.get(weight)?.data ?? new Float32Array();
    const moved = figures(
      end.map((x, i) => x - start[i]),
      change.length - 1,
    );
    assertClose(moved, change, 1e-4, `change of ${weight}`, figures(start)[0]);
  }
  network.dispose();
}
