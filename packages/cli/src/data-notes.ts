import { type Dataset, groupPreview } from '@cryfold/corpus';
import type { Preparation } from '@cryfold/local-run';
import type { DataOptions } from './data-options.js';
import type { DataFindings } from './evaluated-run.js';

/**
 * Returns notes about the groups of a dataset, one sentence each. If `--group-by` is given, adds a preview of the
 * groups.
 */
export function dataNotes(dataset: Dataset, { groupBy }: DataOptions): string[] {
  const { groupHints, clips } = dataset;
  const made = groupBy === undefined ? [] : [`--group-by ${groupBy}: ${groupPreview(clips)}`];
  return [...made, ...groupHints];
}

/** Returns the findings about the data for the JSON output of `cryfold run`, which prints them as lines otherwise. */
export function dataFindings({ dataset, leaks }: Preparation, options: DataOptions): DataFindings {
  const { skipped, warnings, notes } = dataset;
  return { skipped, warnings, dataNotes: [...notes, ...dataNotes(dataset, options)], leakWarnings: leaks };
}
