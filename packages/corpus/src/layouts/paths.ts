import { CryfoldError } from '@cryfold/core';
import type { Recording } from '../recording.js';
import type { Tree } from './layout.js';

export function baseName(file: string): string {
  return file.slice(file.lastIndexOf('/') + 1);
}

/** Returns the folders of a file, outermost first. */
export function foldersOf(file: string): string[] {
  return file.split('/').slice(0, -1);
}

/**
 * Returns the number of outermost folders that all files share, such as an enclosing `audio/`. These folders are
 * ignored.
 */
export function sharedFolders({ files }: Pick<Tree, 'files'>): number {
  const [first, ...others] = files.map(foldersOf);
  let shared = first?.length ?? 0;
  for (const folders of others) {
    let same = 0;
    while (same < shared && folders[same] === first[same]) same++;
    shared = same;
  }
  return shared;
}

/** Returns the folders of each file below the folders that all files share. */
export function ownFolders(tree: Pick<Tree, 'files'>): string[][] {
  const shared = sharedFolders(tree);
  return tree.files.map((file) => foldersOf(file).slice(shared));
}

/** Whether most files have a name that matches a pattern. */
export function mostNamed({ files }: Pick<Tree, 'files'>, pattern: RegExp): boolean {
  return files.filter((file) => pattern.test(baseName(file))).length * 2 > files.length;
}

/** Whether a name contains a digit, like the numbered or coded names `speaker3`, `0052` and `S01`. */
export function isNumbered(name: string): boolean {
  return /\d/.test(name);
}

/** Returns a recording with an error, because it does not follow the layout of its directory. */
export function misnamed(file: string, why: string): Recording {
  const error = new CryfoldError('DATA_NAME_INVALID', `${file}: ${why}`, {
    context: { file },
    hint: 'Rename, move or remove the file, list all files in a CSV manifest with the columns path,label,group, or pass --skip-bad.',
  });
  return { file, error };
}
