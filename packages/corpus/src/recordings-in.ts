import { join, resolve } from 'node:path';
import { CryfoldError } from '@cryfold/core';
import { isAudioName } from './audio/registry.js';
import type { Unread } from './unread.js';
import { walkTree } from './walk.js';

export interface FolderRecordings {
  /** Paths that start with the folder as given, sorted */
  files: string[];
  /** Unreadable paths, and additional paths of files that were already read */
  skipped: CryfoldError[];
  /** Files that are not recordings, judged by name */
  unread: Unread[];
}

/**
 * Finds the recordings in a folder, whatever its layout. Each file on disk is listed once.
 * @throws CryfoldError DATA_NOT_FOUND, DATA_EMPTY, DATA_TOO_LARGE
 */
export async function recordingsIn(folder: string): Promise<FolderRecordings> {
  const { files, skipped, unread } = await walkTree(resolve(folder), isAudioName).catch((cause) => {
    if (cause instanceof CryfoldError) throw cause;
    throw new CryfoldError('DATA_NOT_FOUND', `${folder}: cannot be read: ${cause.message}`, {
      context: { path: folder },
      hint: 'Pass a readable folder that contains recordings.',
      cause,
    });
  });
  if (files.length === 0 && skipped.length === 0) {
    throw new CryfoldError('DATA_EMPTY', `no recordings found in ${folder}`, {
      context: { path: folder },
      hint: 'Recordings in a folder are recognised by file extensions such as .wav, .flac, .ogg or .mp3. To use a file with another extension, pass the path of the file itself.',
    });
  }
  return {
    files: files.map((file) => join(folder, file)),
    skipped: skipped.map((error) => inFolder(error, folder)),
    unread: unread.list(),
  };
}

/** The walk returns paths relative to its root. */
function inFolder({ code, message, hint, context }: CryfoldError, folder: string): CryfoldError {
  const file = join(folder, String(context.file));
  const why = message.slice(String(context.file).length);
  return new CryfoldError(code, `${file}${why}`, { context: { file }, ...(hint && { hint }) });
}
