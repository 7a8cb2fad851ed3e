import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { CryfoldError } from '@cryfold/core';
import { isAudioName } from './audio/registry.js';
import type { Recording } from './recording.js';
import { describeUnread, UnreadFiles } from './unread.js';

/** Class codes of Baby Chillanto's file names `IIIISSSCCC.wav`: infant, segment, class. */
export const CHILLANTO_CLASSES: Readonly<Record<string, string>> = {
  '000': 'normal',
  '001': 'hunger',
  '002': 'pain',
  '010': 'deaf',
  '030': 'asphyxia',
};

/** Reason tags of the donateacry corpus; its cleaned edition puts cold/hot (`ch`) with discomfort. */
const DONATEACRY_REASONS: Readonly<Record<string, string>> = {
  hu: 'hungry',
  bu: 'burping',
  bp: 'belly_pain',
  dc: 'discomfort',
  ch: 'discomfort',
  ti: 'tired',
  lo: 'lonely',
  sc: 'scared',
  dk: 'unknown',
};

const CHILLANTO_NAME = /^(\d{4})\d{3}(\d{3})\.\w+$/i;
/** app instance, unix time (seconds on iOS, milliseconds on Android), app version, gender, age, reason */
const DONATEACRY_NAME = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-\d{10,13}-[\d.]+-[mf]-\d\d-([a-z]{2})\.\w+$/i;

/**
 * Finds the recordings below a directory, sorted by path, with their labels and groups. Names that start with a dot
 * are passed over (macOS leaves `._` files that end in .wav). Links are followed; a folder that a link leads to a second
 * time is an error of that link.
 *
 * - `chillanto`, where most names are `IIIISSSCCC.wav`: label by class code, group = infant; folders mean nothing.
 * - `donateacry`, where most names are that app's: group = app instance; label = the first folder, or the reason tag
 *   where the files lie flat. (The folder is the corpus's own later word: seven `ch` files lie in discomfort.)
 * - `folders` otherwise: label = the first folder, group = the recording itself.
 *
 * A file that does not follow its reader is DATA_NAME_INVALID, so that one odd name does not silently turn a grouped
 * corpus into an ungrouped one.
 * @throws CryfoldError DATA_NOT_FOUND, DATA_EMPTY
 */
export async function listRecordings(directory: string) {
  const root = resolve(directory);
  const { files, errors, unread } = await walk(root).catch((cause) => {
    throw new CryfoldError('DATA_NOT_FOUND', `${directory}: is not a directory that can be read`, {
      context: { path: directory },
      hint: 'Give a directory of WAV files or a .csv manifest with --data; `cryfold data synth DIR` makes one to try.',
      cause,
    });
  });
  if (files.length === 0) {
    throw new CryfoldError('DATA_EMPTY', `${directory}: holds no recording${beside(unread)}`, {
      context: { path: directory },
      hint: 'Recordings are known by their endings, such as .wav, .flac, .ogg or .mp3: docs/recordings.md has all.',
    });
  }
  const most = (pattern: RegExp) => files.filter((file) => pattern.test(baseName(file))).length * 2 > files.length;
  const reader = most(CHILLANTO_NAME) ? 'chillanto' : most(DONATEACRY_NAME) ? 'donateacry' : 'folders';
  if (reader !== 'chillanto') refuseLostFolder(directory, unread.lost(files));
  const label = { chillanto, donateacry, folders }[reader];
  return { root, reader, recordings: [...files.map(label), ...errors], unread: unread.list() } as const;
}

/** What else a directory holds, for messages. */
function beside(unread: UnreadFiles): string {
  const text = describeUnread(unread.list());
  return text === '' ? '' : `, only ${text}`;
}

/** @throws CryfoldError DATA_CLASS_LOST */
function refuseLostFolder(directory: string, [lost]: { folder: string; file: string }[]): void {
  if (!lost) return;
  const { folder, file } = lost;
  throw new CryfoldError('DATA_CLASS_LOST', `${directory}: class ${folder} would be lost: none of its files is read`, {
    context: { path: directory, folder, file },
    hint: `Such as ${file}. Convert them (ffmpeg -i IN -c:a pcm_s16le OUT.wav), or move the folder elsewhere.`,
  });
}

/**
 * Finds the recordings below a folder, sorted by path, and counts its other files. Links to folders are followed, but each folder is read once:
 * through links in a circle, a few folders have more paths than anybody can read.
 */
async function walk(root: string): Promise<{ files: string[]; errors: Recording[]; unread: UnreadFiles }> {
  const unread = new UnreadFiles();
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
        const audio = isAudioName(path);
        if (audio) files.push(path);
        if (entry.isDirectory()) folders.push(`${path}/`);
        else if (entry.isSymbolicLink() && (await isFolder(join(root, path)))) links.push(`${path}/`);
        else if (!audio) unread.add(path);
      }
      links.sort();
    } catch (cause) {
      if (at === '') throw cause;
      errors.push(misnamed(at.slice(0, -1), `is a folder that cannot be read: ${(cause as Error).message}`));
    }
  }
  return { files: files.sort(), errors: errors.sort((a, b) => (a.file < b.file ? -1 : 1)), unread };
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
}

function chillanto(file: string): Recording {
  const [, infant, code] = CHILLANTO_NAME.exec(baseName(file)) ?? [];
  if (!infant) return misnamed(file, 'is not named IIIISSSCCC.wav as the other files are');
  const label = Object.hasOwn(CHILLANTO_CLASSES, code) ? CHILLANTO_CLASSES[code] : undefined;
  if (!label) return misnamed(file, `class code ${code} is not one of ${Object.keys(CHILLANTO_CLASSES).join(', ')}`);
  return { file, label, group: infant };
}

function donateacry(file: string): Recording {
  const [, instance, tag] = DONATEACRY_NAME.exec(baseName(file)) ?? [];
  if (!instance) return misnamed(file, 'is not named like the other donateacry files');
  const reason = tag.toLowerCase();
  const known = Object.hasOwn(DONATEACRY_REASONS, reason) ? DONATEACRY_REASONS[reason] : undefined;
  const label = firstFolder(file) ?? known;
  if (!label) return misnamed(file, `reason tag ${tag} is not one of ${Object.keys(DONATEACRY_REASONS).join(', ')}`);
  return { file, label, group: instance };
}

function folders(file: string): Recording {
  const label = firstFolder(file);
  return label ? { file, label, group: file } : misnamed(file, 'lies in no class folder');
}

function baseName(file: string): string {
  return file.slice(file.lastIndexOf('/') + 1);
}

function firstFolder(file: string): string | undefined {
  return file.includes('/') ? file.slice(0, file.indexOf('/')) : undefined;
}

function misnamed(file: string, why: string): Recording {
  const error = new CryfoldError('DATA_NAME_INVALID', `${file}: ${why}`, {
    context: { file },
    hint: 'Rename, move or remove it, list the files in a CSV manifest path,label,group, or pass --skip-bad.',
  });
  return { file, error };
}
