/**
 * Computes the losses of ten training steps of each network in float32, on the CPU or on the GPU.
 *
 * usage: node parity.mjs REPO THREADS                prints { device, losses: { RUN: [10 losses] } }
 *        node parity.mjs --compare CPU.json GPU.json   prints one line per run and file
 *
 * In its first step, Adam changes every weight by the learning rate, whatever the size of the gradient. If gradients
 * are small, rounding therefore decides the direction. At 1e-4, the losses of ResNet50 with one CPU thread and with two
 * differ by 5 %. The rate of 1e-6 shows whether the kernels agree, and the others show how fast rounding errors grow.
 */
import { readFileSync } from 'node:fs';
import { BATCH, loadCheckout, waves } from './network.mjs';

const RUNS = ['small-cnn adam 1e-4', 'resnet50 adam 1e-6', 'resnet50 adam 1e-4', 'resnet50 sgd 1e-3'];

async function train(repo, threads) {
  const { device, open } = await loadCheckout(repo, { threads });
  const { images, labels } = waves(2 * BATCH);
  const losses = {};
  for (const run of RUNS) {
    const [model, optimizer, learningRate] = run.split(' ');
    const network = await open({ model, optimizer });
    network.feed(images, labels);
    losses[run] = Array.from({ length: 10 }, (_, step) => {
      const indices = Int32Array.from({ length: BATCH }, (_, i) => i + BATCH * (step % 2));
      return network.step(indices, { learningRate: Number(learningRate), seed: step }).loss;
    });
    network.dispose();
  }
  return { device, losses };
}

function compare(expected, file) {
  const { device, losses } = read(file);
  for (const run of RUNS) {
    const differences = losses[run].map((loss, i) => Math.abs(loss / expected[run][i] - 1));
    console.log(JSON.stringify({ file, device, run, largestRelativeDifference: Math.max(...differences) }));
  }
}

// TensorFlow also writes to stdout.
const read = (file) => JSON.parse(readFileSync(file, 'utf8').trim().split('\n').at(-1));

const [first, ...rest] = process.argv.slice(2);
if (first === '--compare') for (const file of rest.slice(1)) compare(read(rest[0]).losses, file);
else console.log(JSON.stringify(await train(first, Number(rest[0]))));
