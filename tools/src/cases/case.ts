import type { Bench } from './bench.js';

/** A test of this repository that holds what a case found. */
export interface CoveringTest {
  /** From the repository's root */
  file: string;
  /** Its name, or text of the table row that makes it */
  name: string;
}

export interface Case {
  /** The number in the issues, then what is tried */
  name: string;
  /** Reproduces the fault with today's commands; answers what it ended with, in a line */
  run(bench: Bench): Promise<string>;
  /** What it must end with */
  expected: RegExp;
  /** Empty only while it is pending */
  tests: readonly CoveringTest[];
  /** The issue that this case still waits for. It then has to fail, so that nobody forgets to remove this. */
  pending?: string;
}

/** The cases of some files of the folder of cases. */
export interface CaseGroup {
  /** Names of those files and folders */
  inputs: readonly string[];
  cases: readonly Case[];
}

/** Names tests of one file. */
export const testsOf =
  (file: string) =>
  (...names: string[]): CoveringTest[] =>
    names.map((name) => ({ file, name }));
