import { CryfoldError, decodeNpy, encodeNpy } from '@cryfold/core';
import type { ModelFiles } from '../../engine.js';
import type { Rows, Scaling } from './rows.js';

/** Weights for each column of a stored row (machines x columns), and intercepts. */
export interface LinearModel {
  weights: Float64Array;
  intercepts: Float64Array;
}

/** Describes how training rows, relative to their mean, are combined into weights. */
interface Combined {
  rows: Rows;
  clips: Int32Array;
  scaling: Scaling;
  /** clips x machines */
  coefficients: Float64Array;
  /** Intercepts for scaled rows relative to the mean of the training rows */
  intercepts: Float64Array;
}

/** Converts the model to one for rows that are neither centred nor scaled. */
export function linearModel({ rows, clips, scaling, coefficients, intercepts }: Combined): LinearModel {
  const { columns, data } = rows;
  const machines = intercepts.length;
  const weights = new Float64Array(machines * columns);
  clips.forEach((clip, i) => {
    for (let m = 0; m < machines; m++) {
      const factor = coefficients[i * machines + m];
      if (factor === 0) continue;
      for (let j = 0; j < columns; j++)
        weights[m * columns + j] += factor * (data[clip * columns + j] - scaling.mean[j]);
    }
  });
  const shifted = intercepts.slice();
  for (let m = 0; m < machines; m++) {
    for (let j = 0; j < columns; j++) {
      weights[m * columns + j] *= scaling.factor[j] ** 2;
      shifted[m] -= weights[m * columns + j] * scaling.mean[j];
    }
  }
  return { weights, intercepts: shifted };
}

/** Computes weighted sums without the intercepts, rows x machines. */
export function weightedSums({ weights, intercepts }: LinearModel, { count, columns, data }: Rows): Float64Array {
  const machines = intercepts.length;
  const out = new Float64Array(count * machines);
  for (let i = 0; i < count; i++) {
    for (let m = 0; m < machines; m++) {
      let sum = 0;
      for (let j = 0, p = i * columns, q = m * columns; j < columns; j++, p++, q++) sum += weights[q] * data[p];
      out[i * machines + m] = sum;
    }
  }
  return out;
}

/** Encodes the files of a model: weights.npy (f8, machines x columns) and intercepts.npy (f8). */
export function linearFiles({ weights, intercepts }: LinearModel): ModelFiles {
  return [
    ['weights.npy', encodeNpy(weights, [intercepts.length, weights.length / intercepts.length])],
    ['intercepts.npy', encodeNpy(intercepts, [intercepts.length])],
  ];
}

/** @throws CryfoldError NPY_INVALID, ARTIFACT_CORRUPT */
export function readLinear(file: (name: string) => Uint8Array): LinearModel {
  const weights = decodeNpy(file('weights.npy'), '<f8', 2, 'weights.npy');
  const intercepts = decodeNpy(file('intercepts.npy'), '<f8', 1, 'intercepts.npy');
  if (weights.shape[0] !== intercepts.shape[0]) {
    throw new CryfoldError('ARTIFACT_CORRUPT', `weights.npy has ${weights.shape[0]} rows, not ${intercepts.shape[0]}`, {
      context: { artifact: 'weights.npy' },
      hint: 'Train the model again.',
    });
  }
  return { weights: weights.data, intercepts: intercepts.data };
}
