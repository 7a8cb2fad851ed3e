import { type Dataset, groupPreview } from '@cryfold/corpus';
import type { DataOptions } from './data-options.js';

/** Notes about the groups of a dataset, one sentence each. With `--group-by`, also a preview of the groups. */
export function dataNotes(dataset: Dataset, { groupBy }: DataOptions): string[] {
  const { groupHints, clips } = dataset;
  const made = groupBy === undefined ? [] : [`--group-by ${groupBy}: ${groupPreview(clips)}`];
  return [...made, ...groupHints];
}
