import { fitStandardization, type Standardization, standardize, type VectorRows, vectorKernelData } from '@cryfold/svm';
import type { Gram } from './gram.js';

/** The vectors of one fold. */
export interface FoldVectors {
  kernel: Gram;
  /** clips x columns, standardised */
  values: Float64Array;
  standardization: Standardization;
}

/** Standardises the vectors of all clips, using only the mean and deviation of a fold's training clips. */
export function foldVectors(rows: VectorRows, train: Int32Array): FoldVectors {
  const standardization = fitStandardization(rows, train);
  const values = standardize(rows, standardization);
  return { kernel: vectorKernelData(values, rows.columns), values, standardization };
}
