import type { Skipped } from '@cryfold/corpus';
import type { RunResults } from '@cryfold/evaluation';

/** Findings about the recordings of a run, made while the run was prepared. */
export interface DataFindings {
  /** Recordings that were left out, and why */
  skipped: readonly Skipped[];
  /** Problems with the data that affect the figures */
  warnings: readonly string[];
  /** Notes on how the recordings were read, and suggestions for grouping them */
  dataNotes: readonly string[];
  /**
   * Warnings about groups or equal sounds that occur in both training and test data, and about classes that are missing
   * from some folds
   */
  leakWarnings: readonly string[];
}

/** Where the files of a finished run are: paths, or URLs in a bucket or on a server. */
export interface RunFiles {
  /** results.json */
  results: string;
  /** out-of-fold.csv: the predictions of every clip */
  outOfFold: string;
  /** report.html */
  report: string;
}

/**
 * The content of results.json (see docs/results.md), what was found in the recordings while the run was prepared, and
 * where the files are. `cryfold run --json` prints the same.
 */
export interface EvaluatedRun extends RunResults, DataFindings {
  files: RunFiles;
}
