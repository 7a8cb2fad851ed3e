import { combineDecisions, combineProbabilities } from './combine.js';
import { mirror } from './distances.js';
import { machineValues } from './fit.js';
import { GREY_SQUARED, type KernelData, kernelFunction } from './kernel.js';
import type { Standardization, VectorSvmModel } from './svm-model.js';

/** Rows of numbers, row-major. */
export interface VectorRows {
  data: Float32Array | Float64Array;
  columns: number;
}

/**
 * Mean and standard deviation of each column over some rows, like scikit-learn's StandardScaler. A constant column gets
 * deviation 1.
 * @param rows indices of the rows to learn from, at least one
 */
export function fitStandardization({ data, columns }: VectorRows, rows: Int32Array): Standardization {
  const mean = new Float64Array(columns);
  const squares = new Float64Array(columns);
  for (const row of rows) for (let j = 0; j < columns; j++) mean[j] += data[row * columns + j] / rows.length;
  for (const row of rows) {
    for (let j = 0; j < columns; j++) squares[j] += (data[row * columns + j] - mean[j]) ** 2 / rows.length;
  }
  // The deviation of equal values may differ from 0 by a rounding error, which must not count as a deviation.
  const least = (j: number) => 10 * Number.EPSILON * Math.abs(mean[j]);
  return { mean, deviation: squares.map((square, j) => (Math.sqrt(square) > least(j) ? Math.sqrt(square) : 1)) };
}

/** Returns (value - mean) / deviation for every row. */
export function standardize({ data, columns }: VectorRows, { mean, deviation }: Standardization): Float64Array {
  return Float64Array.from(data, (value, i) => (value - mean[i % columns]) / deviation[i % columns]);
}

/** Returns the input for kernels, in the unit of images: a value of 1 counts as 255 grey levels. */
export function vectorKernelData(values: Float64Array, columns: number): KernelData {
  const rows = values.length / columns;
  const distances = new Float64Array(rows * rows);
  const moments = { sum: new Float64Array(rows), sumSquares: new Float64Array(rows) };
  for (let i = 0; i < rows; i++) {
    const own = values.subarray(i * columns, (i + 1) * columns);
    for (let j = 0; j < i; j++) distances[i * rows + j] = GREY_SQUARED * squaredDistance(own, values, j * columns);
    for (const value of own) {
      moments.sum[i] += 255 * value;
      moments.sumSquares[i] += GREY_SQUARED * value * value;
    }
  }
  mirror(distances, rows, rows);
  return { distances: { rows, columns, data: distances }, moments, columns };
}

function squaredDistance(own: Float64Array, others: Float64Array, start: number): number {
  let sum = 0;
  for (let k = 0; k < own.length; k++) {
    const difference = own[k] - others[start + k];
    sum += difference * difference;
  }
  return sum;
}

/** Predicts vectors with a model that was trained on vectors. */
export class VectorSvmPredictor {
  readonly #model: VectorSvmModel;
  readonly #norms: Float64Array;

  constructor(model: VectorSvmModel) {
    this.#model = model;
    this.#norms = norms(model.support, model.columns);
  }

  /**
   * @param data count x columns, not standardised
   * @returns decisions and probabilities, both as count x classes matrices
   */
  predict(data: Float32Array): { decisions: Float64Array; probabilities: Float64Array } {
    const { columns, kernel, support, standardization, weights, biases, combination } = this.#model;
    const rows = standardize({ data, columns }, standardization);
    const vectors = this.#norms.length;
    const value = kernelFunction(kernel);
    const values = new Float64Array((rows.length / columns) * vectors);
    for (const [i, norm] of norms(rows, columns).entries()) {
      const own = rows.subarray(i * columns, (i + 1) * columns);
      for (let j = 0; j < vectors; j++) {
        const distance = GREY_SQUARED * squaredDistance(own, support, j * columns);
        values[i * vectors + j] = value(distance, norm, this.#norms[j]);
      }
    }
    const outputs = machineValues(values, weights, biases);
    const decisions = combineDecisions(combination, outputs);
    return { decisions, probabilities: combineProbabilities(combination, outputs, decisions) };
  }
}

function norms(values: Float64Array, columns: number): Float64Array {
  return Float64Array.from({ length: values.length / columns }, (_, i) =>
    values.subarray(i * columns, (i + 1) * columns).reduce((sum, value) => sum + GREY_SQUARED * value * value, 0),
  );
}
