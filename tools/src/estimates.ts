import { mean } from './statistics.js';

/** A mean over simulations, with the half width of its 95 % interval. */
export interface Estimate {
  mean: number;
  plusMinus: number;
  count: number;
}

/** @param values one per simulation; null for none */
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

/** A Markdown table. */
export function markdownTable(rows: readonly (readonly string[])[]): string {
  const [head, ...body] = rows.map((cells) => `| ${cells.join(' | ')} |`);
  return [head, `|${'---|'.repeat(rows[0].length)}`, ...body].join('\n');
}
