/** Loads the networks of a built checkout by file path, for the scripts of this kit. */

export const SIZE = { height: 60, width: 90 };
export const CLASSES = 5;
export const BATCH = 50;
const PIXELS = SIZE.height * SIZE.width * 3;

/**
 * @param repo folder of the checkout
 * @returns { device, open }: `open({ model, precision, optimizer })` loads `small-cnn` or `resnet50`
 */
export async function loadCheckout(repo, { threads, xla = false }) {
  const load = (path) => import(new URL(`packages/${path}`, `file://${repo}/`));
  const { estimatorSchema } = await load('estimators/dist/src/index.js');
  const { loadTensorFlow } = await load('nn/dist/src/tensorflow.js');
  const { Network } = await load('nn/dist/src/network.js');
  const { adam } = await load('nn/dist/src/optimizers/adam.js');
  const { sgd } = await load('nn/dist/src/optimizers/sgd.js');
  const { smallCnn, tlResnet50 } = await load('nn/dist/src/models/registry.js');
  const tf = loadTensorFlow({ threads, xla });
  const open = async ({ model, precision = 'float32', optimizer = 'adam' }) => {
    const [kind, { architecture }] = model === 'resnet50' ? ['tl-resnet50', tlResnet50] : ['small-cnn', smallCnn];
    const built = architecture.build(SIZE, CLASSES, estimatorSchema.parse({ kind, epochs: 1 }));
    const options = { optimizer: optimizer === 'adam' ? adam() : sgd(), precision };
    const network = await Network.load(tf, built, CLASSES, options);
    network.initialize(0);
    return network;
  };
  return { device: tf.backend().isUsingGpuDevice ? 'GPU' : 'CPU', open };
}

/**
 * Draws waves whose frequency depends on the class, with random direction and phase. Unlike noise, these images differ
 * like real pictures. In the last layers, all noise looks the same, so normalization would magnify rounding errors.
 * @returns { images, labels } for `feed`
 */
export function waves(count) {
  const random = generator(1);
  const labels = Int32Array.from({ length: count }, (_, i) => i % CLASSES);
  const images = new Uint8Array(count * PIXELS);
  for (let i = 0; i < count; i++) {
    const [fx, fy] = [0.02 + 0.3 * random(), 0.02 + 0.08 * (labels[i] + random())];
    const [strength, ...phases] = [30 + 90 * random(), 6.28 * random(), 6.28 * random(), 6.28 * random()];
    for (let p = 0; p < PIXELS; p++) {
      const [x, y] = [Math.floor(p / 3) % SIZE.width, Math.floor(p / 3 / SIZE.width)];
      images[i * PIXELS + p] = 128 + strength * Math.sin(fx * x + fy * y + phases[p % 3]);
    }
  }
  return { images, labels };
}

/** Creates Park and Miller's generator of numbers between 0 and 1. They are the same on every machine. */
function generator(seed) {
  let state = seed;
  return () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
}
