import { METRICS, type SearchResults } from '@cryfold/evaluation';
import { importanceByEstimator, importanceText } from '@cryfold/hyperparameter-search';
import { alignColumns, paint, type TextOptions, type TextTable } from './text.js';

/** Explains what the shares mean and what their limitations are. */
export const IMPORTANCE_NOTE =
  'Importance: the share of the variance between complete trials that a parameter explains on its own (epsilon squared over bins; about 0 without an effect). Interactions are not attributed to any parameter. With few trials, or with tpe or asha, which favour good regions, it is only a rough guide: docs/sweeps.md.';

/** The trials of a sweep, and the metric that ranks them. */
type Ranked = Pick<SearchResults, 'metric' | 'trials'>;

/** Returns a header and one row per searched parameter; only the header if there is no sweep. */
export function importanceRows(search: Ranked | undefined): TextTable {
  const rows = Object.entries(importanceByEstimator(search?.trials ?? [])).flatMap(([base, importance]) =>
    importance.map((one) => [`${base}: ${one.name}`, importanceText(one), `${one.trials}`]),
  );
  const notes = rows.length > 0 ? [IMPORTANCE_NOTE] : [];
  return { rows: [['parameter', 'importance', 'trials'], ...rows], notes };
}

/** Title of the table and chart of parameter importance. */
export function importanceTitle({ metric }: Pick<SearchResults, 'metric'>): string {
  return `Parameter importance for ${METRICS[metric].title}`;
}

/** The importance of each searched parameter as a text table; empty without a sweep. */
export function importanceTable(search: Ranked, { color = false }: TextOptions = {}): string {
  const { rows, notes } = importanceRows(search);
  if (rows.length === 1) return '';
  const [head, ...body] = alignColumns(rows);
  return [paint(importanceTitle(search), 'bold', color), paint(head, 'bold', color), ...body, ...notes].join('\n');
}
