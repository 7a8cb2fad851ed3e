import type { RunResults } from '@cryfold/evaluation';
import { modelOf } from '@cryfold/model-registry';

/** Describes which folds of a model are missing, why, and what to do about it. */
export function missingFolds(results: RunResults, of: string): string {
  const { members = [of] } = modelOf(results, of);
  const folds = members.length * results.baselines.majority.folds.length;
  const missing = results.missing.filter(({ model }) => members.includes(model));
  const { id } = results.run;
  const advice = `for details, use cryfold status ${id}; to retry the folds, use cryfold retry ${id}`;
  if (missing.length === 0) return `${of} of run ${id} has missing folds; ${advice}`;
  const failed = missing.filter(({ code }) => code !== null);
  const [first] = failed;
  const count = `${missing.length} of ${folds} folds of ${members.join(', ')} ${failed.length === missing.length ? 'failed' : 'are missing'} in run ${id}`;
  const why = first ? `: first ${first.model}, repeat ${first.repeat}, fold ${first.fold} with ${first.code}` : '';
  return `${count}${why}; ${advice}`;
}
