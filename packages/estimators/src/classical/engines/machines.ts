import { type Combination, GREY_SQUARED, type KernelData, type SvmParameters } from '@cryfold/svm';
import { z } from 'zod';
import { centredNorms, type Geometry } from './geometry.js';

/** Parameters that all SVMs of these kinds share. */
export const MACHINES: Omit<SvmParameters, 'kernel' | 'C' | 'gamma'> = {
  ...{ degree: 3, coef0: 0, classWeight: 'none', strategy: 'one-vs-rest', calibration: 'platt' },
  ...{ tolerance: 1e-3, engine: 'cryfold' },
};

const finite = z.number();

/** How a stored model converts the values of its machines to probabilities. */
export const combinationSchema: z.ZodType<Combination> = z.strictObject({
  classCount: z.int().min(2),
  present: z.array(z.int().min(0)).min(2),
  roles: z
    .array(z.strictObject({ positive: z.int().min(0), negative: z.union([z.int().min(0), z.literal('rest')]) }))
    .min(1),
  calibration: z.discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('platt'),
      sigmoids: z.array(z.strictObject({ slope: finite, offset: finite })).min(1),
    }),
    z.strictObject({
      kind: z.literal('temperature'),
      scaling: z.strictObject({ factor: finite, offsets: z.array(finite).min(2) }),
    }),
  ]),
});

/** Returns the class of each row of a geometry's matrix, or 0 for rows that are not used for training. */
export function matrixLabels({ distances, train }: Geometry, labels: Int32Array, clips: Int32Array): Int32Array {
  const out = new Int32Array(distances.rows);
  clips.forEach((clip, i) => {
    out[train[i]] = labels[clip];
  });
  return out;
}

/** Prepares the input for a linear kernel, relative to the mean of the training rows. */
export function linearKernelData(geometry: Geometry): KernelData {
  const { distances, train, rows } = geometry;
  const sumSquares = new Float64Array(distances.rows);
  centredNorms(geometry).forEach((norm, i) => {
    sumSquares[train[i]] = norm;
  });
  return { distances, moments: { sum: new Float64Array(distances.rows), sumSquares }, columns: rows.columns };
}

/** Prepares the input for an rbf kernel: distances, and sums of scaled values, from which `scale` computes gamma. */
export function radialKernelData(geometry: Geometry): KernelData {
  const { distances, clips, rows, scaling } = geometry;
  const { columns, data } = rows;
  const moments = { sum: new Float64Array(distances.rows), sumSquares: new Float64Array(distances.rows) };
  clips.forEach((clip, row) => {
    let [sum, squares] = [0, 0];
    for (let j = 0; j < columns; j++) {
      const value = (data[clip * columns + j] - scaling.offset[j]) * scaling.factor[j];
      sum += value;
      squares += value * value;
    }
    moments.sum[row] = sum * Math.sqrt(GREY_SQUARED);
    moments.sumSquares[row] = squares * GREY_SQUARED;
  });
  return { distances, moments, columns };
}
