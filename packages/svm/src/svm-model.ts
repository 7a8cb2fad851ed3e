import type { Combination } from './combine.js';
import type { Kernel } from './kernel.js';

/** How the columns of vectors are standardised, as learned from the training rows. */
export interface Standardization {
  mean: Float64Array;
  /** Never 0 */
  deviation: Float64Array;
}

/** A self-contained trained SVM: the images of the support vectors, and how to use them. */
export interface SvmModel {
  /** Labels, in the order of the probabilities */
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
  /** support vectors x columns: grey levels, or standardised vectors */
  support: Uint8Array | Float64Array;
  /** Only for a model of vectors */
  standardization?: Standardization;
}

export type ImageSvmModel = SvmModel & { support: Uint8Array };
export type VectorSvmModel = SvmModel & { support: Float64Array; standardization: Standardization };

export const isVectorModel = (model: ImageSvmModel | VectorSvmModel): model is VectorSvmModel =>
  model.standardization !== undefined;

/** The files of a model, by name. */
export type SvmModelFiles = Record<'svm.json' | 'support.npy' | 'coefficients.npy', Uint8Array>;
