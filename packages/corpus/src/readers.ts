import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { CryfoldError } from '@cryfold/core';
import type { Reading } from './layouts/layout.js';
import { misnamed } from './layouts/paths.js';
import { readLayout } from './layouts/registry.js';
import type { Recording } from './recording.js';

/**
 * Finds the WAV files below a directory, sorted by path, with their labels and groups, as a layout of
 * `layouts/registry.ts` reads them. Names that start with a dot are passed over (macOS leaves `._` files that end in
 * .wav). Links are followed; a folder that a link leads to a second time is an error of that link.
 *
 * A file that does not follow its layout is DATA_NAME_INVALID, so that one odd name does not silently turn a grouped
 * corpus into an ungrouped one.
 * @param layout the name of one; without it the one that fits
 * @throws CryfoldError DATA_NOT_FOUND, DATA_EMPTY, LAYOUT_UNCLEAR; USAGE for an unknown layout
 */
export async function listRecordings(
  directory: string,
  layout?: string,
): Promise<Reading & { root: string; reader: string }> {
  const root = resolve(directory);
  const { files, errors } = await walk(root).catch((cause) => {
    throw new CryfoldError('DATA_NOT_FOUND', `${directory}: is not a directory that can be read`, {
      context: { path: directory },
      hint: 'Give a directory of WAV files or a .csv manifest with --data; `cryfold data synth DIR` makes one to try.',
      cause,
    });
  });
  if (files.length === 0) {
    throw new CryfoldError('DATA_EMPTY', `${directory}: holds no WAV file`, {
      context: { path: directory },
      hint: 'Convert other formats first, such as with `sox IN OUT.wav`; the files must end in .wav.',
    });
  }
  const { layout: reader, ...reading } = await readLayout({ root, files }, layout);
  return { ...reading, root, reader, recordings: [...reading.recordings, ...errors] };
}

/**
 * Finds the WAV files below a folder, sorted by path. Links to folders are followed, but each folder is read once:
 * through links in a circle, a few folders have more paths than anybody can read.
 */
async function walk(root: string): Promise<{ files: string[]; errors: Recording[] }> {
  const files: string[] = [];
  const errors: Recording[] = [];
  const seen = new Set<string>();
  // Folders go first, so that one that is here and linked to has its own path.
  const folders = [''];
  const links: string[] = [];
  for (let at = folders.pop(); at !== undefined; at = folders.pop() ?? links.shift()) {
    try {
      const { dev, ino } = await stat(join(root, at), { bigint: true });
      if (seen.has(`${dev}:${ino}`)) {
        errors.push(misnamed(at.slice(0, -1), 'is a link to a folder that is read already'));
        continue;
      }
      seen.add(`${dev}:${ino}`);
      for (const entry of await readdir(join(root, at), { withFileTypes: true })) {
        if (entry.name.startsWith('.')) continue;
        const path = at + entry.name;
        if (/\.wav$/i.test(path)) files.push(path);
        if (entry.isDirectory()) folders.push(`${path}/`);
        else if (entry.isSymbolicLink() && (await isFolder(join(root, path)))) links.push(`${path}/`);
      }
      links.sort();
    } catch (cause) {
      if (at === '') throw cause;
      errors.push(misnamed(at.slice(0, -1), `is a folder that cannot be read: ${(cause as Error).message}`));
    }
  }
  return { files: files.sort(), errors: errors.sort((a, b) => (a.file < b.file ? -1 : 1)) };
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
}
