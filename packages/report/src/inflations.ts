import { leakHeadline, type RunResults } from '@cryfold/evaluation';
import { fusionWarning } from './fusion-warning.js';
import { optimismWarning } from './search-table.js';

/**
 * Returns reasons why a run's figures are too optimistic, such as leaks, selection among trials, or stacking, one
 * sentence each.
 */
export function inflations(results: RunResults): string[] {
  return [leakHeadline(results.leaks), optimismWarning(results), fusionWarning(results)].flatMap((one) => one ?? []);
}
