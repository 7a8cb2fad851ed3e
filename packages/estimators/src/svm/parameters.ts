import { LIMITS } from '@cryfold/core';
import { z } from 'zod';

const positive = z.number().positive();

/**
 * C-SVM on flattened images whose pixels are scaled to the range 0 to 1, or on vectors, which each fold standardises
 * with the mean and deviation of its training clips. Names and defaults are scikit-learn's, except for C.
 */
export const svmParameters = z.strictObject({
  kind: z.literal('svm'),
  kernel: z.enum(['rbf', 'linear', 'poly', 'sigmoid']).default('rbf').describe('kernel function, as in scikit-learn'),
  C: z.number().min(1e-3).max(1e6).default(1000).describe('inverse strength of the penalty'),
  gamma: z
    .union([z.enum(['scale', 'auto']), positive])
    .default('scale')
    .describe(
      'for rbf, poly and sigmoid: kernel coefficient; scale: 1 / (columns * variance of the training values), auto: 1 / columns',
    ),
  degree: z.int().min(1).max(10).default(3).describe('degree of poly'),
  coef0: z.number().default(0).describe('constant term of poly and sigmoid'),
  classWeight: z
    .union([z.enum(['none', 'balanced']), z.record(z.string().max(LIMITS.label), positive)])
    .default('none')
    .describe(
      'factors by which C is multiplied: inversely proportional to the share of the class (balanced), or one factor per label (default: 1)',
    ),
  strategy: z
    .enum(['one-vs-rest', 'one-vs-one'])
    .default('one-vs-rest')
    .describe('how a problem with several classes is divided into problems with two classes'),
  calibration: z
    .enum(['platt', 'temperature'])
    .default('platt')
    .describe(
      'how decision values become probabilities: with one sigmoid per two-class problem (platt), or with softmax(t * decision values + offset of the class) (temperature)',
    ),
  tolerance: z
    .number()
    .min(1e-9)
    .max(0.1)
    .default(1e-3)
    .describe('the solver stops when the largest violation of the optimality conditions is at most this value'),
  engine: z.enum(['cryfold', 'ml-svm']).default('cryfold').describe('cryfold’s own solver, or the library ml-svm'),
});

export type Svm = z.infer<typeof svmParameters>;
