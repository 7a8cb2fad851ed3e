import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { estimatorSchema, Random } from '@cryfold/core';
import { NetworkTrainer } from '@cryfold/nn';
import { resnet50 } from '../../packages/nn/dist/src/models/resnet50.js';
import { smallCnn } from '../../packages/nn/dist/src/models/small-cnn.js';
import { Network } from '../../packages/nn/dist/src/network.js';
import { adam } from '../../packages/nn/dist/src/optimizers/adam.js';
import { loadTensorFlow } from '../../packages/nn/dist/src/tensorflow.js';
import { compareInPairs, median, rate } from './measure.mjs';

const THREADS = 1;
const SIZE = { height: 60, width: 90 };
const BATCH = 50;
const COUNT = 250;
const CLASSES = 5;
/** Multiply-adds of ResNet50 for one 60 x 90 image, forward: 0.466e9; a training step does them three times. */
const RESNET_TRAINING_FLOP = 2.78e9;

const random = new Random(0);
const data = {
  ...SIZE,
  images: Uint8Array.from({ length: COUNT * SIZE.height * SIZE.width * 3 }, () => random.below(256)),
  labels: Int32Array.from({ length: COUNT }, (_, i) => i % CLASSES),
  classCount: CLASSES,
};
const range = (from, to) => Int32Array.from({ length: to - from }, (_, i) => from + i);
const parameters = (kind) => estimatorSchema.parse({ kind, epochs: 1 });
const MODELS = {
  resnet50: resnet50(SIZE, CLASSES, parameters('tl-resnet50')),
  'small-cnn': smallCnn(SIZE, CLASSES, parameters('small-cnn')),
};

/** Starts Keras and gives a function that asks it for the seconds of one piece of work. */
async function startKeras() {
  const child = spawn('python3', [fileURLToPath(new URL('nn-peers.py', import.meta.url)), String(THREADS)], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (what) => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`Keras ended ${what}: python3 -m pip install tensorflow-cpu==2.21.0 keras`);
    return value;
  };
  await next('before it was ready');
  const seconds = async (what, model, steps = 0) => {
    child.stdin.write(`${JSON.stringify({ what, model, steps })}\n`);
    return Number(await next(`while it did ${what}`));
  };
  return { seconds, close: () => child.stdin.end() };
}

async function load(tf, kind, precision) {
  const network = await Network.load(tf, MODELS[kind], CLASSES, { optimizer: adam(), precision });
  network.initialize(0);
  network.feed(data.images, data.labels);
  return network;
}

/** GFLOP/s of a product of two 1024 x 1024 matrices: what the processor gives at best. */
function peak(tf) {
  return tf.tidy(() => {
    const [a, b] = [tf.randomUniform([1024, 1024]), tf.randomUniform([1024, 1024])];
    const times = Array.from({ length: 9 }, () => {
      const start = performance.now();
      tf.matMul(a, b).dataSync();
      return performance.now() - start;
    });
    return (2 * 1024 ** 3) / median(times) / 1e6;
  });
}

export async function compare() {
  const tf = loadTensorFlow({ threads: THREADS });
  const keras = await startKeras();
  const results = [];
  const batch = range(0, BATCH);
  const pairs = 5;
  const unit = 'images/s';
  try {
    for (const [kind, precision, steps, targets] of [
      ['resnet50', 'float32', 2, { train: 1.25, infer: 1.2 }],
      ['resnet50', 'bfloat16', 2, { train: 1.6 }],
      ['small-cnn', 'float32', 10, { train: 1.5, infer: 1.2 }],
      ['small-cnn', 'bfloat16', 10, { train: 1.5 }],
    ]) {
      const network = await load(tf, kind, precision);
      const once = {
        train: (seed) => network.step(batch, { learningRate: 1e-4, seed }),
        infer: () => network.evaluate(batch),
      };
      const shares = [];
      for (const [what, target] of Object.entries(targets)) {
        const result = await compareInPairs({
          ...{ name: `nn: ${kind} ${what} ${precision}, ${THREADS} thread`, peer: 'Keras', unit, target, pairs },
          async ours() {
            const speed = await rate(steps * BATCH, () => range(0, steps).forEach(once[what]));
            if (kind === 'resnet50' && what === 'train') shares.push((speed * RESNET_TRAINING_FLOP) / 1e9 / peak(tf));
            return speed;
          },
          theirs: async () => (steps * BATCH) / (await keras.seconds(what, kind, steps)),
        });
        results.push(result);
      }
      if (precision === 'float32' && shares.length > 0) {
        const ratio = median(shares.slice(1));
        const name = 'nn: resnet50 train float32, share of the matrix-product peak';
        const [ours, theirs] = [100 * ratio, 100];
        results.push({ name, ours, theirs, peer: 'peak', unit: '%', ratio, target: 0.85, ok: ratio >= 0.85 });
      }
      network.dispose();
    }
    const fold = { train: range(0, 200), test: range(200, COUNT) };
    for (const [kind, model] of [
      ['tl-resnet50', 'resnet50'],
      ['small-cnn', 'small-cnn'],
    ]) {
      const result = await compareInPairs({
        ...{
          name: `nn: first fold of ${kind} with its warm-up`,
          peer: 'Keras',
          unit,
          target: 1.25,
          pairs: 3,
        },
        ours: () =>
          rate(COUNT, async () => {
            const trainer = await NetworkTrainer.load({ threads: THREADS });
            await trainer.fit(data, fold, parameters(kind), { seed: 0 });
            trainer.dispose();
          }),
        theirs: async () => COUNT / (await keras.seconds('fold', model)),
      });
      results.push(result);
    }
    return results;
  } finally {
    keras.close();
  }
}
