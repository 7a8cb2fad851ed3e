import { leakHeadline, type RunResults } from '@cryfold/evaluation';
import { fusionWarning } from './fusion-warning.js';
import { optimismWarning } from './search-table.js';

/**
 * Reasons why figures of a run are too optimistic, one sentence each, such as leaks, selection among trials, or
 * stacking.
 */
export function inflations(results: RunResults): string[] {
  return [leakHeadline(results.leaks), optimismWarning(results), fusionWarning(results)].flatMap((one) => one ?? []);
}
