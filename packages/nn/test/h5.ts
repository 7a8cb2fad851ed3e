import { writeFile } from 'node:fs/promises';
import { encodeKerasFile } from '../src/keras-file.js';
import type { WeightData } from '../src/network.js';

/** Tensors to store, by `layer/weight`; the weights of a layer are consecutive. */
export type H5Weights = Readonly<Record<string, WeightData>>;

/** Writes an HDF5 file with the structure of keras.applications' files. */
export async function writeKerasFile(path: string, weights: H5Weights): Promise<void> {
  await writeFile(path, await encodeKerasFile(new Map(Object.entries(weights))));
}
