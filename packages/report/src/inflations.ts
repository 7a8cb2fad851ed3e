import { leakHeadline, type RunResults } from '@cryfold/evaluation';
import { fusionWarning } from './fusion-warning.js';
import { optimismWarning } from './search-table.js';

/** What makes figures of a run too good, a sentence each: leaks, the choice among trials, stacking. */
export function inflations(results: RunResults): string[] {
  return [leakHeadline(results.leaks), optimismWarning(results), fusionWarning(results)].flatMap((one) => one ?? []);
}
