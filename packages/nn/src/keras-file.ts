import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { WeightMap } from './network.js';
import { withTemporaryFolder } from './temporary-folder.js';

/**
 * Encodes weights as an HDF5 file with the structure of keras.applications' files: /LAYER/LAYER/WEIGHT:0, listed in
 * each layer's `weight_names`. Keras reads such a file with `load_weights(file, by_name=True)`, and cryfold with
 * `loadKerasWeights`.
 * @param weights by `layer/weight`; the weights of a layer are consecutive, in Keras's order
 */
export function encodeKerasFile(weights: WeightMap): Promise<Uint8Array> {
  return withTemporaryFolder('weights', async (folder) => {
    const path = join(folder, 'weights.h5');
    // Loaded here, because a worker that only queries the version of TensorFlow does not need HDF5's 12 MiB.
    const { File, ready } = await import('h5wasm/node');
    await ready;
    const layers = new Map<string, string[]>();
    for (const name of weights.keys()) {
      const [layer, weight] = name.split('/');
      layers.set(layer, [...(layers.get(layer) ?? []), weight]);
    }
    const file = new File(path, 'w');
    file.create_attribute('layer_names', [...layers.keys()]);
    for (const [layer, names] of layers) {
      const group = file.create_group(layer);
      group.create_attribute(
        'weight_names',
        names.map((name) => `${layer}/${name}:0`),
      );
      const inner = group.create_group(layer);
      for (const name of names) {
        const { shape, data } = weights.get(`${layer}/${name}`)!;
        inner.create_dataset({ name: `${name}:0`, data, shape: [...shape], dtype: '<f' });
      }
    }
    file.close();
    return await readFile(path);
  });
}
