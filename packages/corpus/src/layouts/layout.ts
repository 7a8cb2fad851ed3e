import type { GroupSource } from '@cryfold/core';
import type { Recording } from '../recording.js';

/** A directory for layouts to inspect. */
export interface Tree {
  /** Absolute path of the directory */
  root: string;
  /** Paths of its recordings below the root, with `/`, sorted */
  files: readonly string[];
}

/** How a layout interprets a directory. */
export interface Reading {
  recordings: Recording[];
  groupSource: GroupSource;
  /** Sentences for the user, for example about ignored parts */
  warnings?: string[];
  /** Suggestions on how to define groups, one sentence each, including what to type; not shown if groups are known */
  groupHints?: string[];
  /** Names of folders that are neither classes nor groups */
  apart?: ReadonlySet<string>;
}

/** How well a layout fits. The first `sure` layout is used; if several are `possible`, the user must choose one. */
export type Fit = 'sure' | 'possible' | 'no';

/** A layout of recordings in a directory. To add a layout, write a file for it and add it to `registry.ts`. */
export interface Layout {
  /** Name to use with `--layout` */
  readonly name: string;
  /** A few words that explain the name */
  readonly meaning: string;
  fits(tree: Tree): Fit | Promise<Fit>;
  /** @throws CryfoldError DATA_* if a table of the layout cannot be read */
  read(tree: Tree): Reading | Promise<Reading>;
}
