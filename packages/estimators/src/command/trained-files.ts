import { lstat, opendir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CryfoldError } from '@cryfold/core';
import { pathBelow, TRAINED, TRAINED_BYTES, TRAINED_FILES } from './parameters.js';

/**
 * The files that a program has written to its folder `trained`.
 * @returns their paths in the program's folder
 * @throws CryfoldError COMMAND_OUTPUT_INVALID if there are no files, too many files, files that are too large, or
 * anything other than regular files
 */
export async function trainedFiles(folder: string): Promise<string[]> {
  const paths: string[] = [];
  let bytes = 0;
  const root = await lstat(join(folder, TRAINED)).catch(() => undefined);
  if (root && !root.isDirectory()) throw invalid('the program replaced the folder with something else');
  for await (const { path, regular } of entriesIn(folder, TRAINED)) {
    if (!regular) throw invalid(`${path} is neither a file nor a folder`);
    if (!pathBelow.safeParse(path).success) {
      throw invalid(`${JSON.stringify(path)} has characters other than letters, digits, _, . and -`);
    }
    paths.push(path);
    bytes += (await stat(join(folder, path))).size;
    if (paths.length > TRAINED_FILES) throw invalid(`it has more than ${TRAINED_FILES} files`);
    if (bytes > TRAINED_BYTES) throw invalid(`its files exceed ${TRAINED_BYTES / 2 ** 20} MiB in total`);
  }
  if (paths.length === 0) throw invalid('the program succeeded, but did not write a file there');
  return paths.sort();
}

/** @param paths as returned by `trainedFiles` */
export async function readTrained(folder: string, paths: readonly string[]): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const path of paths) files.set(path, await readFile(join(folder, path)));
  return files;
}

/**
 * Lists everything in a folder and its subfolders, but not the subfolders themselves. Works sequentially, since a
 * program may have created any number of files.
 */
async function* entriesIn(folder: string, below: string): AsyncGenerator<{ path: string; regular: boolean }> {
  const entries = await opendir(join(folder, below)).catch(() => undefined);
  if (!entries) return;
  for await (const entry of entries) {
    const path = `${below}/${entry.name}`;
    if (entry.isDirectory()) yield* entriesIn(folder, path);
    else yield { path, regular: entry.isFile() };
  }
}

function invalid(why: string): CryfoldError {
  return new CryfoldError('COMMAND_OUTPUT_INVALID', `${TRAINED}: ${why}`, {
    context: { file: TRAINED },
    hint: `If a command estimator has a predict program, its run program must write the trained files to the folder ${TRAINED} (see docs/commands.md).`,
  });
}
