import type { Skipped } from '@cryfold/corpus';
import type { RunResults } from '@cryfold/evaluation';

/** What was found in the recordings of a run while it was prepared. */
export interface DataFindings {
  /** Recordings that were left out, and why */
  skipped: readonly Skipped[];
  /** Problems of the data that affect the figures */
  warnings: readonly string[];
  /** How the recordings were read, and what their groups may be */
  dataNotes: readonly string[];
  /** Groups or equal sounds in both train and test, and classes that some folds lack */
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
