import { resolve } from 'node:path';
import { CryfoldError } from '@cryfold/core';
import { isAudioName } from './audio/registry.js';
import type { Reading } from './layouts/layout.js';
import { foldersOf } from './layouts/paths.js';
import { readLayout } from './layouts/registry.js';
import { describeUnread, type Unread, type UnreadFiles } from './unread.js';
import { walkTree } from './walk.js';

/** What a reader found in a directory or manifest. */
export interface Found extends Reading {
  root: string;
  /** `manifest`, or the name of the directory's layout */
  reader: string;
  /** Skipped parts, such as an unreadable folder */
  skipped: readonly CryfoldError[];
  /** Files that are not recordings, by extension */
  unread: Unread[];
}

/**
 * Finds the recordings below a directory with `walkTree`, sorted by path, with labels and groups according to a layout
 * of `layouts/registry.ts`.
 * A file that does not follow the layout causes DATA_NAME_INVALID, so that one unusual name does not silently turn a
 * grouped corpus into an ungrouped one.
 * @param layout name of a layout; if absent, the layout that fits is used
 * @throws CryfoldError DATA_NOT_FOUND, DATA_EMPTY, DATA_TOO_LARGE, LAYOUT_UNCLEAR; USAGE for an unknown layout
 */
export async function listRecordings(directory: string, layout?: string): Promise<Found> {
  const root = resolve(directory);
  const { files, skipped, unread } = await walkTree(root, isAudioName).catch((cause) => {
    if (cause instanceof CryfoldError) throw cause;
    throw new CryfoldError('DATA_NOT_FOUND', `${directory}: cannot be read as a directory: ${cause.message}`, {
      context: { path: directory },
      hint: 'Pass a directory of recordings or a .csv manifest with --data; `cryfold data synth DIR` creates a sample corpus.',
      cause,
    });
  });
  if (files.length === 0) {
    const endings =
      'Recordings are recognised by file extensions such as .wav, .flac, .ogg or .mp3; docs/recordings.md lists all.';
    throw new CryfoldError('DATA_EMPTY', `${directory}: contains no readable recording${beside(unread)}`, {
      context: { path: directory },
      hint: skipped.length > 0 ? `${skipped.length} were skipped. First problem: ${skipped[0].message}` : endings,
    });
  }
  const { layout: reader, ...reading } = await readLayout({ root, files }, layout);
  refuseLostFolder(directory, reading, unread.lost(files));
  return { ...reading, root, reader, skipped, unread: unread.list() };
}

/** Describes the files of a directory that are not recordings, for messages. */
function beside(unread: UnreadFiles): string {
  const text = describeUnread(unread.list());
  return text === '' ? '' : `, only ${text}`;
}

/**
 * @throws CryfoldError DATA_CLASS_LOST if the top-level folders are classes and all files in one of them are ignored
 */
function refuseLostFolder(
  directory: string,
  { recordings }: Reading,
  [lost]: { folder: string; file: string }[],
): void {
  const byFolder = recordings.every((one) => 'error' in one || one.label === foldersOf(one.file)[0]);
  if (!lost || !byFolder) return;
  const { folder, file } = lost;
  throw new CryfoldError(
    'DATA_CLASS_LOST',
    `${directory}: class ${folder} would be lost: none of its files is a recording`,
    {
      context: { path: directory, folder, file },
      hint: `One of these files is ${file}. Convert them (ffmpeg -i IN -c:a pcm_s16le OUT.wav), or move the folder out of the data.`,
    },
  );
}
