import { parentPort, workerData } from 'node:worker_threads';
import { Dataset, File, Group, ready } from 'h5wasm/node';

/**
 * The thread that reads a weights file, so that each file meets a fresh HDF5 library: one that a broken file has made
 * throw keeps that file open and answers later calls from it, or has aborted for good (seen with mutated files). The
 * library's memory goes with the thread.
 */
export interface WeightsRequest {
  path: string;
  layers: readonly string[];
}

/** The weights found, by `layer/weight`; or what is wrong, in words that follow the file's name. */
export type WeightsReply = { weights: Map<string, StoredWeight> } | { problem: string };

export interface StoredWeight {
  shape: number[];
  data: Float32Array<ArrayBuffer>;
}

/** Bytes of one weight; ResNet50's largest has 9.4 MB. */
const LARGEST = 2 ** 28;

class Problem extends Error {}

async function readLayers({ path, layers }: WeightsRequest): Promise<Map<string, StoredWeight>> {
  const library = await ready;
  library.activate_throwing_error_handler();
  const file = new File(path, 'r');
  const weights = new Map<string, StoredWeight>();
  for (const layer of layers) {
    const group = file.keys().includes(layer) ? file.get(layer) : null;
    if (!(group instanceof Group)) continue;
    const names = group.attrs.weight_names?.value;
    if (!Array.isArray(names)) throw new Problem(`layer ${layer} has no list of weight_names`);
    for (const path of names.map(String)) {
      const dataset = group.get(path);
      if (!(dataset instanceof Dataset)) throw new Problem(`layer ${layer} lists ${path} but does not hold it`);
      const { shape, metadata } = dataset;
      // A few bytes can claim any shape, and compressed ones any size.
      if ((shape ?? []).reduce((product, length) => product * length, 4) > LARGEST) {
        throw new Problem(`${layer}/${path} claims the shape [${shape}]`);
      }
      const data = metadata.type === library.H5T_class_t.H5T_FLOAT.value && metadata.size === 4 ? dataset.value : null;
      if (!shape || !(data instanceof Float32Array)) throw new Problem(`${layer}/${path} is not an array of float32`);
      weights.set(`${layer}/${weightName(path)}`, { shape, data: data as Float32Array<ArrayBuffer> });
    }
  }
  file.close();
  return weights;
}

/** `kernel` of Keras's `conv1_conv/kernel:0`. */
function weightName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1).replace(/:\d+$/, '');
}

try {
  const weights = await readLayers(workerData as WeightsRequest);
  parentPort?.postMessage(
    { weights } satisfies WeightsReply,
    [...weights.values()].map(({ data }) => data.buffer),
  );
} catch (error) {
  const problem = error instanceof Problem ? error.message : 'it is not a whole HDF5 file';
  parentPort?.postMessage({ problem } satisfies WeightsReply);
}
