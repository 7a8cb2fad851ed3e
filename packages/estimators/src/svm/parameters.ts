import { LIMITS } from '@cryfold/core';
import { z } from 'zod';

const positive = z.number().positive();

/**
 * C-SVM on flattened images with pixels scaled to 0 to 1, or on vectors, which each fold standardises by its training
 * clips. Names and defaults are scikit-learn's, except for C.
 */
export const svmParameters = z.strictObject({
  kind: z.literal('svm'),
  kernel: z.enum(['rbf', 'linear', 'poly', 'sigmoid']).default('rbf').describe('as in scikit-learn'),
  C: z.number().min(1e-3).max(1e6).default(1000).describe('inverse strength of the penalty'),
  gamma: z
    .union([z.enum(['scale', 'auto']), positive])
    .default('scale')
    .describe('of rbf, poly and sigmoid; scale is 1 / (columns * variance of the training values), auto 1 / columns'),
  degree: z.int().min(1).max(10).default(3).describe('of poly'),
  coef0: z.number().default(0).describe('of poly and sigmoid'),
  classWeight: z
    .union([z.enum(['none', 'balanced']), z.record(z.string().max(LIMITS.label), positive)])
    .default('none')
    .describe('factors on C: balanced is inverse to the share of a class; or a factor by label, else 1'),
  strategy: z
    .enum(['one-vs-rest', 'one-vs-one'])
    .default('one-vs-rest')
    .describe('which machines are trained for several classes'),
  calibration: z
    .enum(['platt', 'temperature'])
    .default('platt')
    .describe(
      'how decisions become probabilities: a sigmoid for each machine, or softmax(t * decisions + offset of the class)',
    ),
  tolerance: z
    .number()
    .min(1e-9)
    .max(0.1)
    .default(1e-3)
    .describe('largest violation of the optimality conditions at which the solver stops'),
  engine: z.enum(['cryfold', 'ml-svm']).default('cryfold').describe('cryfold’s own solver, or the library ml-svm'),
});

export type Svm = z.infer<typeof svmParameters>;
