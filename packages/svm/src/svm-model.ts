import type { Combination } from './combine.js';
import type { Kernel } from './kernel.js';

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
