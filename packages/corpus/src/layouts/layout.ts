import type { GroupSource } from '@cryfold/core';
import type { Recording } from '../recording.js';

/** A directory for layouts to inspect. */
export interface Tree {
  /** Absolute path of the directory */
  root: string;
  /** Paths of its recordings below the root, with `/`, sorted */
  files: readonly string[];
}

/** A layout's interpretation of a directory. */
export interface Reading {
  recordings: Recording[];
  groupSource: GroupSource;
  /** Sentences for the user: ignored parts, oddities */
  warnings?: string[];
  /** How to define groups, a sentence each with what to type; irrelevant if they are known */
  groupHints?: string[];
  /** Names of folders that are neither classes nor groups */
  apart?: ReadonlySet<string>;
}

/** How well a layout fits: the first `sure` one is used; the user must choose among several `possible` ones. */
export type Fit = 'sure' | 'possible' | 'no';

/** A layout of recordings. To add one, write it in its own file and add it to `registry.ts`. */
export interface Layout {
  /** Name for `--layout` */
  readonly name: string;
  /** A few words of explanation after the name */
  readonly meaning: string;
  fits(tree: Tree): Fit | Promise<Fit>;
  /** @throws CryfoldError DATA_* if a table of the layout cannot be read */
  read(tree: Tree): Reading | Promise<Reading>;
}
