import { type Dataset, groupPreview } from '@cryfold/corpus';
import type { DataOptions } from './data-options.js';

/** What a user must know of how data was read, a sentence each; with `--group-by`, the groups that it makes. */
export function dataNotes(dataset: Dataset, { groupBy }: DataOptions): string[] {
  const { warnings, groupHints, clips } = dataset;
  const made = groupBy === undefined ? [] : [`--group-by ${groupBy}: ${groupPreview(clips)}`];
  return [...made, ...warnings, ...groupHints];
}
