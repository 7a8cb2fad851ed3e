import { z } from 'zod';

/**
 * Functions that reduce the values of all frames of a clip to one number: `p10` is the 10th percentile, `range` is max
 * - min.
 */
export const functionalsSchema = z
  .array(
    z
      .string()
      .regex(/^(mean|sd|min|max|range|p\d\d?)$/, 'a functional must be mean, sd, min, max, range or one of p0 to p99'),
  )
  .min(1)
  .max(20)
  .refine((names) => new Set(names).size === names.length, 'a functional is repeated');

/**
 * Computes functionals of `values`, in the order of their names. The standard deviation is the population's (divided by
 * n), and percentiles are interpolated linearly, as in numpy's mean, std, min, max, ptp and percentile.
 * @param values one or more values, which are sorted in place
 */
export function summarize(values: Float64Array, names: readonly string[]): number[] {
  const count = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  const sd = () => Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count);
  values.sort();
  const percentile = (percent: number) => {
    const at = (percent / 100) * (count - 1);
    const below = Math.floor(at);
    return values[below] + (at - below) * (values[Math.min(below + 1, count - 1)] - values[below]);
  };
  return names.map((name) => {
    if (name === 'mean') return mean;
    if (name === 'sd') return sd();
    if (name === 'min') return values[0];
    if (name === 'max') return values[count - 1];
    if (name === 'range') return values[count - 1] - values[0];
    return percentile(Number(name.slice(1)));
  });
}
