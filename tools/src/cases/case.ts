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
  /** Reproduces the fault with the current commands, and returns the outcome in one line */
  run(bench: Bench): Promise<string>;
  /** The expected outcome */
  expected: RegExp;
  /** May only be empty while the case is pending */
  tests: readonly CoveringTest[];
  /**
   * The open issue about this fault. Until the issue is fixed, the case must fail, so that nobody forgets to remove
   * this entry afterwards.
   */
  pending?: string;
}

/** A group of cases, and the files in the folder of cases that they use. */
export interface CaseGroup {
  /** Names of the files and folders that the cases use */
  inputs: readonly string[];
  cases: readonly Case[];
}

/** Refers to tests in one file by name. */
export const testsOf =
  (file: string) =>
  (...names: string[]): CoveringTest[] =>
    names.map((name) => ({ file, name }));
