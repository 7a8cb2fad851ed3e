import { type DistanceMatrix, GREY_SQUARED, squaredDistances } from '@cryfold/svm';
import type { FeatureArray, Matrix } from '../../engine.js';

/** The features of some clips as a row-major matrix. Bytes are grey levels, which all methods read as value / 255. */
export interface Rows {
  count: number;
  columns: number;
  data: FeatureArray['data'];
}

/** @param clips default: all clips, which are not copied */
export function rowsOf({ data, shape }: FeatureArray, clips?: Int32Array): Rows {
  const columns = data.length / shape[0];
  if (!clips) return { count: shape[0], columns, data };
  const length = clips.length * columns;
  const rows = data instanceof Uint8Array ? new Uint8Array(length) : new Float32Array(length);
  clips.forEach((clip, row) => {
    rows.set(data.subarray(clip * columns, (clip + 1) * columns), row * columns);
  });
  return { count: clips.length, columns, data: rows };
}

/** How each column is transformed before distances and inner products are computed. */
export interface Scaling {
  /** Mean of the training clips */
  mean: Float64Array;
  /** Value to subtract: the mean if columns are standardised, otherwise 0 */
  offset: Float64Array;
  /** Factor to multiply by afterwards */
  factor: Float64Array;
}

/**
 * @param clips rows to measure: only the training clips of a fold, so that test clips have no effect
 * @param standardise divide columns by their standard deviation, like scikit-learn's StandardScaler, except for
 * constant columns. Otherwise, divide grey levels by 255, and leave floats unchanged
 */
export function scalingOf({ data, columns }: Rows, clips: Int32Array, standardise: boolean): Scaling {
  const mean = new Float64Array(columns);
  for (const clip of clips) for (let j = 0; j < columns; j++) mean[j] += data[clip * columns + j];
  for (let j = 0; j < columns; j++) mean[j] /= clips.length;
  if (!standardise) {
    const factor = new Float64Array(columns).fill(data instanceof Uint8Array ? 1 / 255 : 1);
    return { mean, offset: new Float64Array(columns), factor };
  }
  const factor = new Float64Array(columns);
  for (const clip of clips) for (let j = 0; j < columns; j++) factor[j] += (data[clip * columns + j] - mean[j]) ** 2;
  for (let j = 0; j < columns; j++) {
    const deviation = Math.sqrt(factor[j] / clips.length);
    // Because of rounding, the deviation of a constant column may be slightly above 0.
    factor[j] = deviation > 1e-12 * Math.abs(mean[j]) ? 1 / deviation : 1;
  }
  return { mean, offset: mean, factor };
}

/**
 * Computes squared distances between scaled rows, in units of one grey level squared. For vectors, these are 255^2
 * times the actual squared distances. The SVM's kernels, which expect images, can then use the distances directly.
 * @returns a.count x b.count
 */
export function crossDistances(a: Rows, b: Rows, factor: Float64Array): Float64Array {
  const out = new Float64Array(a.count * b.count);
  const distance = distanceOf(a, b, factor);
  for (let i = 0; i < a.count; i++) for (let j = 0; j < b.count; j++) out[i * b.count + j] = distance(i, j);
  return out;
}

/** Like `crossDistances`, but between all pairs of rows of one matrix. */
export function ownDistances(rows: Rows, factor: Float64Array): DistanceMatrix {
  const { count, columns, data } = rows;
  const grey = data instanceof Uint8Array && factor.every((one) => one === 1 / 255);
  if (grey) return squaredDistances(data, count, columns);
  const out = new Float64Array(count * count);
  const distance = distanceOf(rows, rows, factor);
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < i; j++) out[i * count + j] = out[j * count + i] = distance(i, j);
  }
  return { rows: count, columns, data: out };
}

function distanceOf(a: Rows, b: Rows, factor: Float64Array): (i: number, j: number) => number {
  const { columns } = a;
  const [left, right] = [a.data, b.data];
  if (left instanceof Uint8Array && factor.every((one) => one === 1 / 255)) {
    return (i, j) => {
      let sum = 0;
      for (let p = i * columns, q = j * columns, end = p + columns; p < end; p++, q++) {
        const difference = left[p] - right[q];
        sum += difference * difference;
      }
      return sum;
    };
  }
  return (i, j) => {
    let sum = 0;
    for (let k = 0, p = i * columns, q = j * columns; k < columns; k++, p++, q++) {
      const difference = (left[p] - right[q]) * factor[k];
      sum += difference * difference;
    }
    return sum * GREY_SQUARED;
  };
}

/**
 * Returns the classes of the training clips in ascending order, and the position of each training clip's class in that
 * list.
 */
export function presentClasses(labels: Int32Array, train: Int32Array): { present: number[]; positions: Int32Array } {
  const present = [...new Set(train.map((clip) => labels[clip]))].sort((a, b) => a - b);
  const position = new Map(present.map((label, index) => [label, index]));
  return { present, positions: train.map((clip) => position.get(labels[clip]) ?? 0) };
}

/** Adds columns with probability 0 for classes without training clips. */
export function withAllClasses(data: Float64Array, present: readonly number[], classes: number): Float64Array {
  if (present.length === classes) return data;
  const rows = data.length / present.length;
  const out = new Float64Array(rows * classes);
  for (let i = 0; i < rows; i++) {
    present.forEach((label, k) => {
      out[i * classes + label] = data[i * present.length + k];
    });
  }
  return out;
}

export function matrixOf(data: Float64Array, columns: number): Matrix {
  return { rows: data.length / columns, columns, data };
}
