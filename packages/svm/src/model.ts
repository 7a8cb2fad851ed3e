import { CryfoldError, decodeNpy, encodeNpy } from '@cryfold/core';
import { type Combination, combineDecisions, combineProbabilities } from './combine.js';
import { BLOCK_COLUMNS, BLOCK_ROWS, type DotTile, plainTile, simdTile, TILE_ROWS } from './dot-tile.js';
import { machineValues, type SvmFit } from './fit.js';
import { type Kernel, kernelFunction } from './kernel.js';

/** A trained SVM that stands alone: the support vectors' images, and what to do with them. */
export interface SvmModel {
  /** Labels, in the order of all probabilities */
  classes: string[];
  /** Columns of the images */
  columns: number;
  kernel: Kernel;
  C: number;
  combination: Combination;
  /** Per machine */
  biases: number[];
  /** machines x support vectors: alpha * sign */
  weights: Float64Array[];
  /** support vectors x columns, grey levels */
  support: Uint8Array;
}

/** The files of a model, by name. */
export type SvmModelFiles = Record<'svm.json' | 'support.npy' | 'coefficients.npy', Uint8Array>;

const FORMAT = 1;

/**
 * Takes the support vectors out of the corpus.
 * @param images the corpus's images, rows x columns
 * @param classes labels, in the order of the classes
 */
export function exportModel(fit: SvmFit, images: Uint8Array, columns: number, classes: readonly string[]): SvmModel {
  const kept = Array.from(fit.rows.keys()).filter((t) => fit.weights.some((weights) => weights[t] !== 0));
  const support = new Uint8Array(kept.length * columns);
  kept.forEach((t, index) => {
    support.set(images.subarray(fit.rows[t] * columns, (fit.rows[t] + 1) * columns), index * columns);
  });
  return {
    ...{ classes: [...classes], columns, kernel: fit.kernel, C: fit.parameters.C, combination: fit.combination },
    biases: fit.biases,
    weights: fit.weights.map((weights) => Float64Array.from(kept, (t) => weights[t])),
    support,
  };
}

/** The model as JSON and two npy arrays: support.npy (u1, vectors x columns), coefficients.npy (f8, machines x vectors). */
export function encodeModel({ weights, support, ...rest }: SvmModel): SvmModelFiles {
  const vectors = weights[0].length;
  const coefficients = new Float64Array(weights.length * vectors);
  weights.forEach((row, m) => {
    coefficients.set(row, m * vectors);
  });
  return {
    'svm.json': new TextEncoder().encode(`${JSON.stringify({ format: FORMAT, ...rest }, undefined, 1)}\n`),
    'support.npy': encodeNpy(support, [vectors, rest.columns]),
    'coefficients.npy': encodeNpy(coefficients, [weights.length, vectors]),
  };
}

/** @throws CryfoldError NPY_INVALID, ARTIFACT_CORRUPT naming the file */
export function decodeModel(files: SvmModelFiles): SvmModel {
  const corrupt = (file: string, why: string, cause?: unknown) =>
    new CryfoldError('ARTIFACT_CORRUPT', `${file}: ${why}`, {
      context: { artifact: file },
      hint: 'Export the model again.',
      cause,
    });
  let header: Omit<SvmModel, 'weights' | 'support'> & { format?: number };
  try {
    header = JSON.parse(new TextDecoder().decode(files['svm.json']));
  } catch (error) {
    throw corrupt('svm.json', 'not JSON', error);
  }
  const { format, ...rest } = header;
  if (format !== FORMAT) throw corrupt('svm.json', `format ${format}, not ${FORMAT}`);
  const support = decodeNpy(files['support.npy'], '|u1', 2, 'support.npy');
  const coefficients = decodeNpy(files['coefficients.npy'], '<f8', 2, 'coefficients.npy');
  const [machines, vectors] = coefficients.shape;
  if (support.shape[0] !== vectors || support.shape[1] !== rest.columns || machines !== rest.biases.length) {
    throw corrupt(
      'coefficients.npy',
      `${machines} x ${vectors} do not fit support vectors ${support.shape.join(' x ')}`,
    );
  }
  return {
    ...rest,
    weights: rest.biases.map((_, m) => coefficients.data.slice(m * vectors, (m + 1) * vectors)),
    support: support.data,
  };
}

/** Predicts new images with a model. Holds the support vectors twice, as 8 and 16 bits. */
export class SvmPredictor {
  readonly #model: SvmModel;
  readonly #tile: DotTile;
  readonly #vectors: number;
  /** Rows of the tile that one block of columns of the support vectors takes */
  readonly #padded: number;
  readonly #norms: Float64Array;

  constructor(model: SvmModel) {
    this.#model = model;
    this.#vectors = model.weights[0].length;
    this.#padded = Math.ceil(this.#vectors / TILE_ROWS) * TILE_ROWS;
    const rows = (this.#padded + BLOCK_ROWS) * Math.ceil(model.columns / BLOCK_COLUMNS);
    this.#tile = simdTile(rows) ?? plainTile(rows);
    this.#load(model.support, this.#vectors, this.#padded, 0);
    this.#norms = norms(model.support, model.columns);
  }

  /**
   * @param images count x columns grey levels, C order
   * @returns both count x classes
   * @throws CryfoldError NPY_INVALID where the length is no multiple of the model's columns
   */
  predict(images: Uint8Array): { decisions: Float64Array; probabilities: Float64Array } {
    const { columns, weights, biases, combination } = this.#model;
    const count = images.length / columns;
    if (!Number.isInteger(count)) {
      throw new CryfoldError('NPY_INVALID', `${images.length} pixels are not images of ${columns}`, {
        context: { pixels: images.length, columns },
        hint: "Draw the clips at the model's size.",
      });
    }
    const kernel = new Float64Array(count * this.#vectors);
    for (let start = 0; start < count; start += BLOCK_ROWS) {
      const end = Math.min(start + BLOCK_ROWS, count);
      this.#fillKernel(images.subarray(start * columns, end * columns), kernel.subarray(start * this.#vectors));
    }
    const values = machineValues(kernel, weights, biases);
    const decisions = combineDecisions(combination, values);
    return { decisions, probabilities: combineProbabilities(combination, values, decisions) };
  }

  /** The kernel of at most BLOCK_ROWS images with the support vectors, images x vectors. */
  #fillKernel(images: Uint8Array, out: Float64Array): void {
    const { columns, kernel } = this.#model;
    const count = images.length / columns;
    const blocks = Math.ceil(columns / BLOCK_COLUMNS);
    const base = this.#padded * blocks;
    this.#load(images, count, BLOCK_ROWS, base);
    const value = kernelFunction(kernel);
    const own = norms(images, columns);
    const products = new Float64Array(TILE_ROWS * BLOCK_ROWS);
    for (let left = 0; left < this.#vectors; left += TILE_ROWS) {
      products.fill(0);
      for (let block = 0; block < blocks; block++) {
        const width = Math.min(BLOCK_COLUMNS, columns - block * BLOCK_COLUMNS);
        const right = base + block * BLOCK_ROWS;
        this.#tile.run(block * this.#padded + left, right, count + (count % 2), Math.ceil(width / 8) * 8);
        for (let k = 0; k < count * TILE_ROWS; k++) products[k] += this.#tile.out[k];
      }
      for (let i = 0; i < Math.min(TILE_ROWS, this.#vectors - left); i++) {
        const norm = this.#norms[left + i];
        for (let j = 0; j < count; j++) {
          const distance = own[j] + norm - 2 * products[j * TILE_ROWS + i];
          out[j * this.#vectors + left + i] = value(distance, own[j], norm);
        }
      }
    }
  }

  /** Puts images into the tile, block by block of columns; a block takes `padded` rows from `base` on. */
  #load(images: Uint8Array, count: number, padded: number, base: number): void {
    const { columns } = this.#model;
    for (let column = 0, row = base; column < columns; column += BLOCK_COLUMNS, row += padded) {
      const width = Math.min(BLOCK_COLUMNS, columns - column);
      for (let i = 0; i < count; i++) {
        const from = i * columns + column;
        this.#tile.rows.set(images.subarray(from, from + width), (row + i) * BLOCK_COLUMNS);
      }
    }
  }
}

function norms(images: Uint8Array, columns: number): Float64Array {
  return Float64Array.from({ length: images.length / columns }, (_, i) =>
    images.subarray(i * columns, (i + 1) * columns).reduce((sum, pixel) => sum + pixel * pixel, 0),
  );
}
