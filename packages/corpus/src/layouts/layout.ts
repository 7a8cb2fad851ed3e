import type { GroupSource } from '@cryfold/core';
import type { Recording } from '../recording.js';

/** A directory as layouts look at it. */
export interface Tree {
  /** Absolute path of the directory */
  root: string;
  /** Paths of its recordings below the root, with `/`, sorted */
  files: readonly string[];
}

/** What a layout makes of a directory. */
export interface Reading {
  recordings: Recording[];
  groupSource: GroupSource;
  /** Sentences for the user: what is not read, what looks odd */
  warnings?: string[];
  /** How groups might be known, a sentence each with what to type; of no use where they are known */
  groupHints?: string[];
  /** Names of folders that are neither classes nor groups */
  apart?: ReadonlySet<string>;
}

/**
 * How well a layout fits: `sure` is taken at once; of several `possible` ones the user must choose.
 */
export type Fit = 'sure' | 'possible' | 'no';

/** A way in which recordings are laid out. To add one, write it in a file of its own and name it in `registry.ts`. */
export interface Layout {
  /** For `--layout` */
  readonly name: string;
  /** What it means, in a few words after the name */
  readonly meaning: string;
  fits(tree: Tree): Fit | Promise<Fit>;
  /** @throws CryfoldError DATA_* where a table of the layout cannot be read */
  read(tree: Tree): Reading | Promise<Reading>;
}
