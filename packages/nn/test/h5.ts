import { File, type Group, ready } from 'h5wasm/node';
import type { WeightData } from '../src/network.js';

/** `layer/weight` to what is stored; a layer's weights stand together. */
export type H5Weights = Readonly<Record<string, WeightData>>;

/** Writes an HDF5 file with the structure of keras.applications' files: /LAYER/LAYER/WEIGHT:0, listed in weight_names. */
export async function writeKerasFile(path: string, weights: H5Weights): Promise<void> {
  await ready;
  const layers = new Map<string, string[]>();
  for (const name of Object.keys(weights)) {
    const [layer, weight] = name.split('/');
    layers.set(layer, [...(layers.get(layer) ?? []), weight]);
  }
  const file = new File(path, 'w');
  file.create_attribute('layer_names', [...layers.keys()]);
  for (const [layer, names] of layers) {
    const group: Group = file.create_group(layer);
    group.create_attribute(
      'weight_names',
      names.map((name) => `${layer}/${name}:0`),
    );
    const inner = group.create_group(layer);
    for (const name of names) {
      const { shape, data } = weights[`${layer}/${name}`];
      inner.create_dataset({ name: `${name}:0`, data, shape: [...shape], dtype: '<f' });
    }
  }
  file.close();
}
