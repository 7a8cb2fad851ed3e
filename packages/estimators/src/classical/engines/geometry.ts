import { type DistanceMatrix, GREY_SQUARED } from '@cryfold/svm';
import type { Fold, TrainingData } from '../../engine.js';
import { LastValue } from '../../last-value.js';
import { ownDistances, type Rows, rowsOf, type Scaling, scalingOf } from './rows.js';

/** Distances between the clips of a fold. */
export interface Geometry {
  distances: DistanceMatrix;
  /** Rows of the matrix */
  train: Int32Array;
  test: Int32Array;
  /** The clip of each row of the matrix */
  clips: Int32Array;
  scaling: Scaling;
  /** All clips of the dataset */
  rows: Rows;
}

/** All engines of a process share this value, so that they do not each keep a matrix of their own. */
const all = new LastValue<DistanceMatrix>();

/**
 * Returns the distances between clips. If they do not depend on the fold, they are computed once for all folds that a
 * process trains, regardless of the kind of estimator. For 2,268 images, this takes 1 to 2 s.
 */
export async function geometryOf(
  { train, test }: Pick<Fold<unknown>, 'train' | 'test'>,
  data: TrainingData,
  standardise: boolean,
): Promise<Geometry> {
  const features = await data.features();
  const rows = rowsOf(features);
  const scaling = scalingOf(rows, train, standardise);
  if (!standardise) {
    const distances = await all.get(data.featureKey, async () => ownDistances(rows, scaling.factor));
    return { distances, train, test, clips: Int32Array.from({ length: rows.count }, (_, i) => i), scaling, rows };
  }
  const clips = Int32Array.from([...train, ...test]);
  return {
    distances: ownDistances(rowsOf(features, clips), scaling.factor),
    train: Int32Array.from(train, (_, i) => i),
    test: Int32Array.from(test, (_, i) => train.length + i),
    ...{ clips, scaling, rows },
  };
}

/** Squared norms of training rows relative to their mean, in units of one grey level squared. */
export function centredNorms({ distances, train }: Pick<Geometry, 'distances' | 'train'>): Float64Array {
  const { data, rows } = distances;
  const means = Float64Array.from(train, (row) => {
    let sum = 0;
    for (const other of train) sum += data[row * rows + other];
    return sum / train.length;
  });
  const mean = means.reduce((sum, one) => sum + one, 0) / train.length;
  return means.map((one) => one - mean / 2);
}

/** Inner products of scaled training rows relative to their mean, train x train. */
export function centredProducts({ distances, train }: Pick<Geometry, 'distances' | 'train'>): Float64Array {
  const n = train.length;
  const { data, rows } = distances;
  const norms = centredNorms({ distances, train });
  const out = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      out[i * n + j] = (norms[i] + norms[j] - data[train[i] * rows + train[j]]) / (2 * GREY_SQUARED);
    }
  }
  return out;
}
