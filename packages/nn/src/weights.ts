import { Worker } from 'node:worker_threads';
import { CryfoldError } from '@cryfold/core';
import type { WeightData } from './network.js';
import { verifyWeightsFile } from './weights-source.js';
import type { StoredWeight, WeightsReply, WeightsRequest } from './weights-worker.js';

/**
 * Reads pretrained weights from an HDF5 file in the layout of keras.applications: one group per layer, whose attribute
 * `weight_names` lists its datasets.
 * Biases of convolutions are folded away: BatchNormalization computes gamma * (conv + bias - mean) / deviation + beta,
 * so the bias of layer `NAME_conv` is subtracted from the moving mean of `NAME_bn`, and the convolution needs no bias.
 * @param path of the file
 * @param expected the shape of each expected weight, by `layer/weight` (`conv1_conv/kernel`); other layers are not read
 * @param options.hash hex md5 or sha256 that the file must have
 * @returns the weights in the order of `expected`; every value is finite
 * @throws CryfoldError WEIGHTS_NOT_FOUND; WEIGHTS_INVALID with the file, and the weight or the hash
 */
export async function loadKerasWeights(
  path: string,
  expected: ReadonlyMap<string, readonly number[]>,
  options: { hash?: string } = {},
): Promise<Map<string, WeightData>> {
  await verifyWeightsFile(path, options.hash);
  const reply = await read({ path, expected });
  if ('problem' in reply) throw invalid(path, reply.problem, reply.weight);
  foldBiases(path, reply.weights, expected);
  return new Map(
    [...expected.keys()].map((name) => {
      const stored = reply.weights.get(name);
      if (!stored) throw invalid(path, `it has no weight ${name}`, name);
      if (!stored.data.every(Number.isFinite)) throw invalid(path, `${name} contains NaN or infinity`, name);
      return [name, stored];
    }),
  );
}

/** Folds each bias that the model does not use into the moving mean of the next layer. */
function foldBiases(path: string, stored: Map<string, StoredWeight>, expected: ReadonlyMap<string, unknown>): void {
  for (const [name, bias] of stored) {
    if (!name.endsWith('_conv/bias') || expected.has(name)) continue;
    const mean = stored.get(name.replace(/conv\/bias$/, 'bn/moving_mean'));
    if (mean?.data.length !== bias.data.length)
      throw invalid(path, `there is no moving mean to absorb the bias ${name}`, name);
    for (let i = 0; i < bias.data.length; i++) mean.data[i] -= bias.data[i];
  }
}

function invalid(path: string, problem: string, weight?: string): CryfoldError {
  return new CryfoldError('WEIGHTS_INVALID', `${path}: ${problem}`, {
    context: { file: path, ...(weight === undefined ? {} : { weight }) },
    hint: "Use Keras's `notop` file for this network, or a file that `keras.applications.NAME(include_top=False).save('file.h5')` has written.",
  });
}

async function read(request: WeightsRequest): Promise<WeightsReply> {
  // The library prints its exceptions. With `stderr: true`, it prints them to a stream that nothing reads.
  const worker = new Worker(new URL('./weights-worker.js', import.meta.url), { workerData: request, stderr: true });
  // One of 500 mutated files caused an endless loop in the library. Reading a valid file takes a second or two.
  const timer = setTimeout(() => worker.terminate(), 60_000);
  return await new Promise<WeightsReply>((resolve) => {
    worker.once('message', resolve);
    worker.once('error', ({ message }) => resolve({ problem: `it cannot be read (${message})` }));
    worker.once('exit', () => resolve({ problem: 'it cannot be read (reading did not finish within a minute)' }));
  }).finally(() => clearTimeout(timer));
}
