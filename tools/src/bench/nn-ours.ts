/**
 * cryfold's side of `scripts/bench nn`. Like its peers, it reads one JSON request per line from stdin, and writes to
 * stdout how many seconds the work took. Argument: number of threads. For `peak`, it multiplies two 1024 x 1024
 * matrices.
 */
import { createInterface } from 'node:readline';
import { PALETTE, PALETTE_SIZE, Random } from '@cryfold/core';
import { type Estimator, estimatorSchema } from '@cryfold/estimators';
import { type NetworkSpec, NetworkTrainer } from '@cryfold/nn';
import { adam } from '@cryfold/nn/adam';
import { augmentationSteps, augmenting } from '@cryfold/nn/augment';
import type { Augmentation } from '@cryfold/nn/augmentation';
import { smallCnn, tlResnet50 } from '@cryfold/nn/models';
import { Network } from '@cryfold/nn/network';
import { loadTensorFlow } from '@cryfold/nn/tensorflow';
import { median } from '../statistics.js';
import type { ModelName, NetworkRequest, Precision } from './nn-request.js';

type NetworkEstimator = Extract<Estimator, { epochs: number }>;

const threads = Number(process.argv[2]);
const [SIZE, BATCH, COUNT, CLASSES] = [{ height: 60, width: 90 }, 50, 250, 5];
/** Every step that an augmentation can have. */
const AUGMENT: Augmentation = {
  ...{ timeShift: 0.1, gain: 6, noise: 0.1, timeMask: 0.1, frequencyMask: 0.1, masks: 2, mixup: 0.2 },
};
const random = new Random(0);
const levels = Uint8Array.from({ length: COUNT * SIZE.height * SIZE.width }, () => random.below(PALETTE_SIZE));
const data = {
  ...SIZE,
  images: Uint8Array.from({ length: 3 * levels.length }, (_, i) => PALETTE[3 * levels[Math.floor(i / 3)] + (i % 3)]),
  labels: Int32Array.from({ length: COUNT }, (_, i) => i % CLASSES),
  classCount: CLASSES,
};
const range = (from: number, to: number) => Int32Array.from({ length: to - from }, (_, i) => from + i);
const NETWORKS: Record<ModelName, Pick<NetworkSpec, 'architecture'> & { kind: string }> = {
  resnet50: { kind: 'tl-resnet50', architecture: tlResnet50.architecture },
  'small-cnn': { kind: 'small-cnn', architecture: smallCnn.architecture },
};

/** The spec of a network, with cryfold's default parameters. */
function specOf(model: ModelName) {
  const { kind, architecture } = NETWORKS[model];
  return { architecture, parameters: estimatorSchema.parse({ kind, epochs: 1 }) as NetworkEstimator };
}

const tf = loadTensorFlow({ threads });
const networks = new Map<string, Network>();

async function network(model: ModelName, precision: Precision, augment = false): Promise<Network> {
  const key = `${model} ${precision} ${augment}`;
  const known = networks.get(key);
  if (known) return known;
  const { architecture, parameters } = specOf(model);
  const built = architecture.build(SIZE, CLASSES, parameters);
  const steps = augment ? augmentationSteps(AUGMENT, data) : undefined;
  const options = { optimizer: adam(), precision, ...(steps && { augment: steps }) };
  const loaded = await Network.load(tf, built, CLASSES, options);
  loaded.initialize(0);
  loaded.feed(data.images, data.labels);
  networks.set(key, loaded);
  return loaded;
}

function product(): number {
  const [a, b] = [tf.randomUniform([1024, 1024]), tf.randomUniform([1024, 1024])];
  const times = Array.from({ length: 9 }, () => {
    const start = performance.now();
    const c = tf.matMul(a, b);
    c.dataSync();
    const elapsed = performance.now() - start;
    c.dispose();
    return elapsed;
  });
  tf.dispose([a, b]);
  return median(times) / 1000;
}

async function fold(model: ModelName): Promise<void> {
  const trainer = await NetworkTrainer.load({ threads });
  await trainer.fit(data, { train: range(0, 200), test: range(200, COUNT) }, specOf(model), { seed: 0 });
  trainer.dispose();
}

async function answer(request: NetworkRequest): Promise<number> {
  if (request.what === 'peak') return product();
  const { what, model, steps, precision = 'float32', augment, cpu = false } = request;
  const used = what === 'fold' ? undefined : await network(model, precision, augment);
  const draw = augment ? augmenting(AUGMENT, data).augment : undefined;
  const now = cpu ? cpuSeconds : () => performance.now() / 1000;
  const start = now();
  if (!used) await fold(model);
  for (let step = 0; used && step < steps; step++) {
    if (what === 'train') {
      const augmentation = draw && { augmentation: draw(BATCH, new Random(step)) };
      used.step(range(0, BATCH), { learningRate: 1e-4, seed: step, ...augmentation });
    } else used.evaluate(range(0, BATCH));
  }
  return now() - start;
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  console.log(await answer(JSON.parse(line) as NetworkRequest));
}
