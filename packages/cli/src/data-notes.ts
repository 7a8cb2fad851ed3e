import { type Dataset, groupPreview } from '@cryfold/corpus';
import type { DataOptions } from './data-options.js';

/** What a user must know of the groups of data besides its warnings, a sentence each; with `--group-by`, what it makes. */
export function dataNotes(dataset: Dataset, { groupBy }: DataOptions): string[] {
  const { groupHints, clips } = dataset;
  const made = groupBy === undefined ? [] : [`--group-by ${groupBy}: ${groupPreview(clips)}`];
  return [...made, ...groupHints];
}
