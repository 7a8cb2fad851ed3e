import { LIMITS } from '@cryfold/core';
import { METRIC_NAMES } from '@cryfold/evaluation';
import { z } from 'zod';

const count = z.int().positive();
const range = z.tuple([z.number(), z.number()]).describe('lowest and highest value');
const plain = z.union([z.string().max(LIMITS.text), z.number(), z.boolean()]);

const common = {
  /**
   * Condition for searching the parameter: each of these parameters of the same estimator must have one of the listed
   * values
   */
  when: z
    .record(z.string(), z.union([plain, z.array(plain).min(1).max(LIMITS.trials)]))
    .optional()
    .describe('searches this parameter only if other parameters of the estimator have one of the given values'),
};
const steps = z.int().min(2).max(LIMITS.trials).optional().describe('how many values of the range a grid search tries');

/** One searched parameter: a list of values, or a range. `log` samples evenly over orders of magnitude. */
const parameterSchema = z.union([
  z.strictObject({
    choice: z
      .array(z.union([plain, z.array(z.number()).max(100)]))
      .min(1)
      .max(LIMITS.trials)
      .describe('the values to try'),
    ...common,
  }),
  z.strictObject({ uniform: range, steps, ...common }),
  z.strictObject({ log: range, steps, ...common }),
  z.strictObject({ int: range, steps, ...common }),
]);

const SEARCH_ALGORITHMS = ['grid', 'random', 'tpe', 'asha'] as const;

/** `search` of a spec: which parameters of which estimators to try, and how to select trials. */
export const searchSchema = z.strictObject({
  algorithm: z
    .enum(SEARCH_ALGORITHMS)
    .default('random')
    .describe(
      'random: quasi-random; tpe: learns from earlier trials; asha: gives good trials more folds or epochs, and bad ones fewer',
    ),
  trials: count
    .max(LIMITS.trials)
    .default(20)
    .describe('number of trials per searched estimator; a grid has one trial per cell'),
  metric: z
    .enum(METRIC_NAMES)
    .default('accuracy')
    .describe('metric by which trials are compared, as a mean over test folds'),
  parallel: count
    .max(LIMITS.trials)
    .default(4)
    .describe(
      'number of trials of one estimator that run at the same time, if trials learn from earlier ones (tpe, asha)',
    ),
  space: z
    .record(z.string(), z.record(z.string(), parameterSchema))
    .describe('parameters to search, by estimator; other estimators are evaluated unchanged'),
  racing: z
    .strictObject({
      threshold: z
        .number()
        .gt(0)
        .lt(0.5)
        .default(0.02)
        .describe('a trial is stopped if the one-sided p-value of the corrected paired test is below this value'),
      // Stored plans may contain values from 2 to 4, which were treated as 5.
      minFolds: z
        .int()
        .min(2)
        .default(5)
        .describe('number of folds that two trials must have in common before they are compared; at least 5'),
    })
    .optional()
    .describe('stops trials that are clearly worse than the leader on the folds that both have completed'),
  asha: z
    .strictObject({
      resource: z
        .enum(['folds', 'epochs'])
        .default('folds')
        .describe('what good trials get more of: folds, or epochs (networks only)'),
      eta: z
        .int()
        .min(2)
        .default(3)
        .describe('one in eta trials is promoted and gets eta times as many folds or epochs'),
      min: count.default(1).describe('number of folds or epochs with which every trial begins'),
    })
    .optional()
    .describe('settings for the asha algorithm'),
  nested: z
    .strictObject({
      inner: z.int().min(2).max(LIMITS.folds).default(4).describe('number of inner folds per outer fold'),
    })
    .optional()
    .describe('repeats the search inside each outer fold, so that the score of the winner is unbiased'),
});

export type SearchSpec = z.infer<typeof searchSchema>;
export type SearchParameter = z.infer<typeof parameterSchema>;

/**
 * Returns the search space of a stored spec, by estimator; empty if the spec has none, or if it is from a version with
 * other parameters.
 */
export function searchSpace(spec: Readonly<Record<string, unknown>>): SearchSpec['space'] {
  const { search } = z
    .looseObject({ search: z.looseObject({ space: z.unknown() }).optional() })
    .catch({})
    .parse(spec);
  return searchSchema.shape.space.catch({}).parse(search?.space);
}

/** Returns the values at the ends of a parameter's range, which are checked against the estimator's schema. */
export function extremes(parameter: SearchParameter): unknown[] {
  if ('choice' in parameter) return parameter.choice;
  if ('uniform' in parameter) return parameter.uniform;
  return 'log' in parameter ? parameter.log : parameter.int;
}

/** Describes what, if anything, is wrong with the values of a parameter. */
export function parameterProblem(parameter: SearchParameter, grid: boolean): string | undefined {
  if ('choice' in parameter) return undefined;
  const [low, high] = extremes(parameter) as [number, number];
  if (!(low < high)) return `the range [${low}, ${high}] is empty`;
  if ('log' in parameter && low <= 0) return 'a log range must start above 0';
  if ('int' in parameter) return Number.isInteger(low) && Number.isInteger(high) ? undefined : 'not whole numbers';
  return grid && parameter.steps === undefined ? 'a grid needs steps for a range, such as steps: 5' : undefined;
}
