import { resolve } from 'node:path';
import { CryfoldError } from '@cryfold/core';
import type { Reading } from './layouts/layout.js';
import { readLayout } from './layouts/registry.js';
import { walkTree } from './walk.js';

/** What a reader makes of a directory or manifest. */
export interface Found extends Reading {
  root: string;
  /** `manifest`, or the name of the directory's layout */
  reader: string;
  /** What is no recording of it, such as a folder that cannot be read */
  skipped: readonly CryfoldError[];
}

/**
 * Finds the WAV files below a directory as `walkTree` does, sorted by path, with their labels and groups, as a layout of
 * `layouts/registry.ts` reads them.
 *
 * A file that does not follow its layout is DATA_NAME_INVALID, so that one odd name does not silently turn a grouped
 * corpus into an ungrouped one.
 * @param layout the name of one; without it the one that fits
 * @throws CryfoldError DATA_NOT_FOUND, DATA_EMPTY, DATA_TOO_LARGE, LAYOUT_UNCLEAR; USAGE for an unknown layout
 */
export async function listRecordings(directory: string, layout?: string): Promise<Found> {
  const root = resolve(directory);
  const { files, skipped } = await walkTree(root, (name) => /\.wav$/i.test(name)).catch((cause) => {
    if (cause instanceof CryfoldError) throw cause;
    throw new CryfoldError('DATA_NOT_FOUND', `${directory}: is not a directory that can be read: ${cause.message}`, {
      context: { path: directory },
      hint: 'Give a directory of WAV files or a .csv manifest with --data; `cryfold data synth DIR` makes one to try.',
      cause,
    });
  });
  if (files.length === 0) {
    const convert = 'Convert other formats first, such as with `sox IN OUT.wav`; the files must end in .wav.';
    throw new CryfoldError('DATA_EMPTY', `${directory}: holds no WAV file that can be read`, {
      context: { path: directory },
      hint: skipped.length > 0 ? `${skipped.length} were left out. The first: ${skipped[0].message}` : convert,
    });
  }
  const { layout: reader, ...reading } = await readLayout({ root, files }, layout);
  return { ...reading, root, reader, skipped };
}
