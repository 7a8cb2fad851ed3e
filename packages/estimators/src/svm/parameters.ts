import { LIMITS } from '@cryfold/core';
import { z } from 'zod';

const positive = z.number().positive();

/**
 * C-SVM on the flattened image with pixels as 0 to 1, or on vectors, which each fold standardises by its training
 * clips. Names and defaults are scikit-learn's, except C.
 */
export const svmParameters = z.strictObject({
  kind: z.literal('svm'),
  kernel: z.enum(['rbf', 'linear', 'poly', 'sigmoid']).default('rbf'),
  C: z.number().min(1e-3).max(1e6).default(1000),
  /** of rbf, poly and sigmoid; `scale` is 1 / (columns * variance of the training values), `auto` 1 / columns */
  gamma: z.union([z.enum(['scale', 'auto']), positive]).default('scale'),
  /** of poly */
  degree: z.int().min(1).max(10).default(3),
  /** of poly and sigmoid */
  coef0: z.number().default(0),
  /** Factors on C: `balanced` is inverse to a class's share; or a factor by label, default 1 */
  classWeight: z
    .union([z.enum(['none', 'balanced']), z.record(z.string().max(LIMITS.label), positive)])
    .default('none'),
  strategy: z.enum(['one-vs-rest', 'one-vs-one']).default('one-vs-rest'),
  /** How decisions become probabilities: a sigmoid per machine, or softmax(t * decisions + offset per class) */
  calibration: z.enum(['platt', 'temperature']).default('platt'),
  /** largest violation of the optimality conditions at which the solver stops */
  tolerance: z.number().min(1e-9).max(0.1).default(1e-3),
  /** `ml-svm` trains with that library; `cryfold` with its own solver. */
  engine: z.enum(['cryfold', 'ml-svm']).default('cryfold'),
});

export type Svm = z.infer<typeof svmParameters>;
