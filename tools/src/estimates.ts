import { incompleteBeta } from '@cryfold/evaluation';
import { mean } from './statistics.js';

/** A mean over simulations, with half the width of its 95 % interval. */
export interface Estimate {
  mean: number;
  plusMinus: number;
  count: number;
}

/** @param values one value per simulation, or null */
export function estimate(values: readonly number[]): Estimate | null {
  if (values.length === 0) return null;
  const centre = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - centre) ** 2, 0);
  const plusMinus = values.length < 2 ? 0 : 1.96 * Math.sqrt(squares / (values.length - 1) / values.length);
  return { mean: centre, plusMinus, count: values.length };
}

/** `61.81 ± 1.10`, in percent. */
export function percentText(value: Estimate | null): string {
  return value === null ? '-' : `${(100 * value.mean).toFixed(2)} ± ${(100 * value.plusMinus).toFixed(2)}`;
}

/**
 * The exact 95 % interval of a share (Clopper and Pearson 1934).
 * @param count number of successes, 0 to `of`
 * @param of number of trials, above 0
 * @returns lower and upper limit, 0 to 1
 */
export function binomialInterval(count: number, of: number): [number, number] {
  const solve = (tail: (p: number) => number) => {
    let [low, high] = [0, 1];
    for (let i = 0; i < 60; i++) {
      const middle = (low + high) / 2;
      if (tail(middle) < 0) low = middle;
      else high = middle;
    }
    return (low + high) / 2;
  };
  // As p increases, P(X >= count) increases and P(X <= count) decreases.
  const lower = count === 0 ? 0 : solve((p) => incompleteBeta(count, of - count + 1, p) - 0.025);
  const upper = count === of ? 1 : solve((p) => incompleteBeta(count + 1, of - count, p) - 0.975);
  return [lower, upper];
}

/** `2 of 36: 5.6 (0.7 to 18.7)`: the share and its 95 % interval in percent, or `-` without trials. */
export function shareText(count: number, of: number): string {
  if (of === 0) return '-';
  const [low, high] = binomialInterval(count, of).map((limit) => (100 * limit).toFixed(1));
  return `${count} of ${of}: ${((100 * count) / of).toFixed(1)} (${low} to ${high})`;
}

/** A Markdown table. */
export function markdownTable(rows: readonly (readonly string[])[]): string {
  const [head, ...body] = rows.map((cells) => `| ${cells.join(' | ')} |`);
  return [head, `|${'---|'.repeat(rows[0].length)}`, ...body].join('\n');
}
