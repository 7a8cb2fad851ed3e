import type { Bench } from './bench.js';

/** A test in this repository that covers the fault of a case. */
export interface CoveringTest {
  /** Path from the repository's root */
  file: string;
  /** Name of the test, or a text in the table row from which the test is generated */
  name: string;
}

export interface Case {
  /** The number of the issue, followed by a short description */
  name: string;
  /** Reproduces the fault with today's commands, and returns the outcome in one line */
  run(bench: Bench): Promise<string>;
  /** The expected outcome */
  expected: RegExp;
  /** May only be empty while the case is pending */
  tests: readonly CoveringTest[];
  /**
   * The open issue about this fault. Until the issue is fixed, the case must fail, so that removing this entry is not
   * forgotten.
   */
  pending?: string;
}

/** The cases for some files in the folder of cases. */
export interface CaseGroup {
  /** Names of these files and folders */
  inputs: readonly string[];
  cases: readonly Case[];
}

/** Refers to tests in one file by name. */
export const testsOf =
  (file: string) =>
  (...names: string[]): CoveringTest[] =>
    names.map((name) => ({ file, name }));
