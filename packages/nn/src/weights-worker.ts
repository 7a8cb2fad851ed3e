import fs from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { Dataset, File, Group, ready } from 'h5wasm/node';

/**
 * Reads a weights file in a separate thread, so that each file gets a fresh HDF5 library. After an exception caused by
 * a broken file, the library keeps that file open and uses it for later calls, or becomes unusable (observed with
 * mutated files). The library's memory is freed with the thread.
 * A file of a few KB can claim to contain arrays of any shape, and chunks and attributes of any size, and can refer to
 * other files. Therefore the thread reads nothing with an unexpected shape, and the library has limited memory and may
 * open only one file.
 */
export interface WeightsRequest {
  path: string;
  /** The shape of each expected weight, by `layer/weight` */
  expected: ReadonlyMap<string, readonly number[]>;
}

/**
 * Either the weights that were found, by `layer/weight`, or a problem and the affected weight. The problem is worded so
 * that it can follow the name of the file.
 */
export type WeightsReply = { weights: Map<string, StoredWeight> } | { problem: string; weight?: string };

export interface StoredWeight {
  shape: number[];
  data: Float32Array<ArrayBuffer>;
}

const MIB = 2 ** 20;
/** Bytes that the library may allocate in addition to two copies of the largest weight. */
const HEADROOM = 64 * MIB;
/** Maximum size in bytes of a layer's list of weights */
const LARGEST_LIST = MIB;

class Problem extends Error {
  constructor(
    message: string,
    readonly weight?: string,
  ) {
    super(message);
  }
}

interface WasmMemory {
  buffer: ArrayBuffer;
  grow(pages: number): number;
}

/**
 * Limits the library's memory to more than any valid file needs. Larger allocations fail, and reading then fails as
 * well.
 */
function limitMemory(most: number): void {
  // The compiler's settings do not include browser globals.
  const { WebAssembly } = globalThis as unknown as { WebAssembly: { Memory: { prototype: WasmMemory } } };
  const { grow } = WebAssembly.Memory.prototype;
  WebAssembly.Memory.prototype.grow = function (this: WasmMemory, pages: number) {
    if (this.buffer.byteLength + pages * 65_536 > most) throw new RangeError('out of memory');
    return grow.call(this, pages);
  };
}

/** Allows only this file to be opened: links, virtual datasets or external storage in it may refer to other files. */
function openOnly(path: string): void {
  const { openSync } = fs;
  fs.openSync = (name, ...rest) => {
    if (name !== path) throw Object.assign(new Error('EACCES'), { code: 'EACCES' });
    return openSync(name, ...rest);
  };
}

async function readLayers({ path, expected }: WeightsRequest): Promise<Map<string, StoredWeight>> {
  const library = await ready;
  library.activate_throwing_error_handler();
  const bytes = [...expected.values()].map((shape) => shape.reduce((product, length) => product * length, 4));
  limitMemory(library.HEAPU8.length + HEADROOM + 2 * Math.max(0, ...bytes));
  openOnly(path);
  const file = new File(path, 'r');
  // Keras's `save` puts the layers into this group; in published files they are at the root.
  const saved = file.keys().includes('model_weights') ? file.get('model_weights') : file;
  if (!(saved instanceof Group)) throw new Problem('its model_weights are not a group');
  const held = new Set(saved.keys());
  const wanted = new Set([...expected.keys()].map((name) => name.slice(0, name.lastIndexOf('/'))));
  refuseLarger(saved, wanted);
  const weights = new Map<string, StoredWeight>();
  for (const layer of wanted) {
    const group = held.has(layer) ? saved.get(layer) : null;
    if (!(group instanceof Group)) continue;
    for (const path of weightNames(group, layer)) {
      const dataset = group.get(path);
      if (!(dataset instanceof Dataset)) throw new Problem(`layer ${layer} lists ${path} but does not contain it`);
      const { shape, metadata } = dataset;
      if (!shape || metadata.type !== library.H5T_class_t.H5T_FLOAT.value || metadata.size !== 4) {
        throw new Problem(`${layer}/${path} is not an array of float32`);
      }
      const name = nameOf(layer, path, expected);
      if (weights.has(name)) throw new Problem(`layer ${layer} lists ${path} twice`);
      if (!isWanted(name, shape, expected)) continue;
      const data = dataset.value;
      if (!(data instanceof Float32Array)) throw new Problem(`${layer}/${path} is not an array of float32`);
      weights.set(name, { shape, data: data as Float32Array<ArrayBuffer> });
    }
  }
  file.close();
  return weights;
}

function weightNames(group: Group, layer: string): string[] {
  const list = group.attrs.weight_names;
  const { size, total_size: count } = list?.metadata ?? { size: 0, total_size: 0 };
  if (size * count > LARGEST_LIST)
    throw new Problem(`layer ${layer} has a list of weight_names of ${size * count} bytes`);
  const names = list?.value;
  if (!Array.isArray(names)) throw new Problem(`layer ${layer} has no list of weight_names`);
  return names.map(String);
}

/** Whether to read a weight: true for weights of the model, and for biases that a moving mean absorbs. */
function isWanted(name: string, shape: number[], expected: ReadonlyMap<string, readonly number[]>): boolean {
  const wanted = expected.get(name);
  if (wanted) {
    if (shape.join() === wanted.join()) return true;
    throw new Problem(`${name} has shape [${shape}], but the model needs [${wanted}]`, name);
  }
  if (!name.endsWith('_conv/bias')) return false;
  const mean = expected.get(name.replace(/conv\/bias$/, 'bn/moving_mean'));
  if (mean?.join() === shape.join()) return true;
  throw new Problem(`there is no moving mean to absorb the bias ${name}`, name);
}

/** Returns cryfold's name for a weight: `conv1_conv/kernel` for Keras's `conv1_conv/kernel:0`. */
function nameOf(layer: string, path: string, expected: WeightsRequest['expected']): string {
  const weight = path.slice(path.lastIndexOf('/') + 1).replace(/:\d+$/, '');
  // The name in Keras 3. Keras 2 and its published files use the same name as cryfold.
  const depthwise = `${layer}/depthwise_kernel`;
  return weight === 'kernel' && expected.has(depthwise) ? depthwise : `${layer}/${weight}`;
}

/**
 * Rejects the weights of a larger network. A ResNet101 has every layer of a ResNet50, with the same shapes: its weights
 * would fit, but be meaningless. Therefore a layer with weights between two expected layers must also be expected; the
 * top of a network comes after all expected layers.
 */
function refuseLarger(saved: Group, wanted: ReadonlySet<string>): void {
  const list = saved.attrs.layer_names;
  const { size, total_size: count } = list?.metadata ?? { size: 0, total_size: 0 };
  if (size * count > LARGEST_LIST) throw new Problem(`it has a list of layer_names of ${size * count} bytes`);
  const names = Array.isArray(list?.value) ? list.value.map(String) : [];
  const inner = names.slice(
    names.findIndex((name) => wanted.has(name)),
    names.findLastIndex((name) => wanted.has(name)) + 1,
  );
  for (const name of inner) {
    const group = wanted.has(name) ? undefined : saved.get(name);
    if (group instanceof Group && (group.attrs.weight_names?.metadata.total_size ?? 0) > 0) {
      throw new Problem(`its layer ${name} is not a layer of this network`);
    }
  }
}

try {
  const weights = await readLayers(workerData as WeightsRequest);
  parentPort?.postMessage(
    { weights } satisfies WeightsReply,
    [...weights.values()].map(({ data }) => data.buffer),
  );
} catch (error) {
  const reply: WeightsReply =
    error instanceof Problem
      ? { problem: error.message, ...(error.weight === undefined ? {} : { weight: error.weight }) }
      : { problem: 'it is not a complete HDF5 file' };
  parentPort?.postMessage(reply);
}
