import type { Skipped } from '@cryfold/corpus';
import type { RunResults } from '@cryfold/evaluation';

/** What preparing a run has found in its recordings. */
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

/** Where the files of a finished run are: paths, or addresses in a bucket or of a server. */
export interface RunFiles {
  /** results.json */
  results: string;
  /** out-of-fold.csv: the predictions of every clip */
  outOfFold: string;
  /** report.html */
  report: string;
}

/**
 * The content of results.json (docs/results.md), what preparing the run has found in the recordings, and where the
 * files are. `cryfold run --json` prints the same.
 */
export interface EvaluatedRun extends RunResults, DataFindings {
  files: RunFiles;
}
