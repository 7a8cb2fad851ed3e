import { LIMITS } from '@cryfold/core';
import { METRIC_NAMES } from '@cryfold/evaluation';
import { z } from 'zod';

const count = z.int().positive();
const range = z.tuple([z.number(), z.number()]).describe('lowest and highest value');
const plain = z.union([z.string().max(LIMITS.text), z.number(), z.boolean()]);

const common = {
  /** The parameter is only searched if others of the same estimator have one of these values */
  when: z
    .record(z.string(), z.union([plain, z.array(plain).min(1).max(LIMITS.trials)]))
    .optional()
    .describe('only if other parameters of the estimator have this value, or one of these values'),
};
const steps = z
  .int()
  .min(2)
  .max(LIMITS.trials)
  .optional()
  .describe('number of values that a grid takes from the range');

/** One searched parameter: a list of values, or a range. `log` samples evenly over orders of magnitude. */
export const parameterSchema = z.union([
  z.strictObject({
    choice: z
      .array(z.union([plain, z.array(z.number()).max(100)]))
      .min(1)
      .max(LIMITS.trials),
    ...common,
  }),
  z.strictObject({ uniform: range, steps, ...common }),
  z.strictObject({ log: range, steps, ...common }),
  z.strictObject({ int: range, steps, ...common }),
]);

const SEARCH_ALGORITHMS = ['grid', 'random', 'tpe', 'asha'] as const;

/** `search` of a spec: which parameters of which estimators are tried, and how trials are selected. */
export const searchSchema = z.strictObject({
  /** `random` is quasi-random; `tpe` learns from earlier trials; `asha` gives more resources to good trials. */
  algorithm: z.enum(SEARCH_ALGORITHMS).default('random'),
  /** Per searched estimator; a grid has one trial per cell. */
  trials: count.max(LIMITS.trials).default(20),
  /** The metric by which trials are compared, as a mean over test folds. */
  metric: z.enum(METRIC_NAMES).default('accuracy'),
  /** Concurrent trials of one estimator if new ones learn from earlier ones (tpe, asha). */
  parallel: count.max(LIMITS.trials).default(4),
  /** By estimator, then by parameter. Other estimators are evaluated unchanged. */
  space: z.record(z.string(), z.record(z.string(), parameterSchema)),
  /** Stops trials early that are clearly worse than the leader on the folds that both have. */
  racing: z
    .strictObject({
      /** One-sided p-value of the corrected paired test below which a trial is stopped: see docs/sweeps.md */
      threshold: z.number().gt(0).lt(0.5).default(0.02),
      /** Folds that both must have before they are compared. Stored plans may have 2 to 4, which count as 5. */
      minFolds: z.int().min(2).default(5),
    })
    .optional(),
  asha: z
    .strictObject({
      /** The resource that good trials get more of: folds, or epochs of networks */
      resource: z.enum(['folds', 'epochs']).default('folds'),
      /** One of this many trials is promoted, with this many times the resource */
      eta: z.int().min(2).default(3),
      /** The resource with which every trial starts */
      min: count.default(1),
    })
    .optional(),
  /** Repeats the search inside each outer fold, so that the winner's score is unbiased. */
  nested: z.strictObject({ inner: z.int().min(2).max(LIMITS.folds).default(4) }).optional(),
});

export type SearchSpec = z.infer<typeof searchSchema>;
export type SearchParameter = z.infer<typeof parameterSchema>;

/** Values at the ends of a parameter's range, to check them against the estimator's schema. */
export function extremes(parameter: SearchParameter): unknown[] {
  if ('choice' in parameter) return parameter.choice;
  if ('uniform' in parameter) return parameter.uniform;
  return 'log' in parameter ? parameter.log : parameter.int;
}

/** The problem of a parameter's own values, if any. */
export function parameterProblem(parameter: SearchParameter, grid: boolean): string | undefined {
  if ('choice' in parameter) return undefined;
  const [low, high] = extremes(parameter) as [number, number];
  if (!(low < high)) return `the range [${low}, ${high}] is empty`;
  if ('log' in parameter && low <= 0) return 'a log range must start above 0';
  if ('int' in parameter) return Number.isInteger(low) && Number.isInteger(high) ? undefined : 'not whole numbers';
  return grid && parameter.steps === undefined ? 'a grid needs steps for a range, such as steps: 5' : undefined;
}
