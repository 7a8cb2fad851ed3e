import { LIMITS } from '@cryfold/core';
import { z } from 'zod';

const positive = z.number().positive();

/**
 * C-SVM on flattened images with pixels scaled to 0 to 1, or on vectors, which each fold standardises by its training
 * clips. Names and defaults are scikit-learn's, except for C.
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
      'factors by which C is multiplied: balanced is inverse to the share of the class; or one factor per label, default 1',
    ),
  strategy: z
    .enum(['one-vs-rest', 'one-vs-one'])
    .default('one-vs-rest')
    .describe('how several classes are reduced to machines for two classes'),
  calibration: z
    .enum(['platt', 'temperature'])
    .default('platt')
    .describe(
      'how decisions become probabilities: by a sigmoid per machine, or by softmax(t * decisions + offset of the class)',
    ),
  tolerance: z
    .number()
    .min(1e-9)
    .max(0.1)
    .default(1e-3)
    .describe('the solver stops when the largest violation of the optimality conditions is at most this'),
  engine: z.enum(['cryfold', 'ml-svm']).default('cryfold').describe('cryfold’s own solver, or the library ml-svm'),
});

export type Svm = z.infer<typeof svmParameters>;
