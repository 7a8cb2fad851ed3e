/**
 * Our side of `scripts/bench nn`, spoken to as its peers are: one JSON request a line on stdin, the seconds it took on
 * stdout. Argument: threads. Requests: {what: 'train' | 'infer' | 'fold' | 'peak', model, steps, precision}. `peak` answers
 * the seconds of one product of two 1024 x 1024 matrices.
 */
import { createInterface } from 'node:readline';
import { Random } from '@cryfold/core';
import { estimatorSchema } from '@cryfold/estimators';
import { NetworkTrainer, resnet50Architecture, smallCnnArchitecture } from '@cryfold/nn';
import { Network } from '../../packages/nn/dist/src/network.js';
import { adam } from '../../packages/nn/dist/src/optimizers/adam.js';
import { loadTensorFlow } from '../../packages/nn/dist/src/tensorflow.js';
import { median } from './measure.mjs';

const threads = Number(process.argv[2]);
const [SIZE, BATCH, COUNT, CLASSES] = [{ height: 60, width: 90 }, 50, 250, 5];
const random = new Random(0);
const data = {
  ...SIZE,
  images: Uint8Array.from({ length: COUNT * SIZE.height * SIZE.width * 3 }, () => random.below(256)),
  labels: Int32Array.from({ length: COUNT }, (_, i) => i % CLASSES),
  classCount: CLASSES,
};
const range = (from, to) => Int32Array.from({ length: to - from }, (_, i) => from + i);
const NETWORKS = {
  resnet50: { kind: 'tl-resnet50', architecture: resnet50Architecture },
  'small-cnn': { kind: 'small-cnn', architecture: smallCnnArchitecture },
};
/** The network spec of a model, with cryfold's default parameters. */
function specOf(model) {
  const { kind, architecture } = NETWORKS[model];
  return { architecture, parameters: estimatorSchema.parse({ kind, epochs: 1 }) };
}
const tf = loadTensorFlow({ threads });
const networks = new Map();

async function network(model, precision) {
  const key = `${model} ${precision}`;
  if (!networks.has(key)) {
    const { architecture, parameters } = specOf(model);
    const loaded = await Network.load(tf, architecture.build(SIZE, CLASSES, parameters), CLASSES, {
      optimizer: adam(),
      precision,
    });
    loaded.initialize(0);
    loaded.feed(data.images, data.labels);
    networks.set(key, loaded);
  }
  return networks.get(key);
}

function product() {
  return tf.tidy(() => {
    const [a, b] = [tf.randomUniform([1024, 1024]), tf.randomUniform([1024, 1024])];
    const times = Array.from({ length: 9 }, () => {
      const start = performance.now();
      tf.matMul(a, b).dataSync();
      return performance.now() - start;
    });
    return median(times) / 1000;
  });
}

async function fold(model) {
  const trainer = await NetworkTrainer.load({ threads });
  await trainer.fit(data, { train: range(0, 200), test: range(200, COUNT) }, specOf(model), { seed: 0 });
  trainer.dispose();
}

console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  const { what, model, steps, precision } = JSON.parse(line);
  const used = what === 'train' || what === 'infer' ? await network(model, precision) : undefined;
  const start = performance.now();
  if (what === 'fold') await fold(model);
  for (let step = 0; used && step < steps; step++) {
    if (what === 'train') used.step(range(0, BATCH), { learningRate: 1e-4, seed: step });
    else used.evaluate(range(0, BATCH));
  }
  console.log(what === 'peak' ? product() : (performance.now() - start) / 1000);
}
