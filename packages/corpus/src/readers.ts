import { resolve } from 'node:path';
import { CryfoldError } from '@cryfold/core';
import type { Recording } from './recording.js';
import { walkTree } from './walk.js';

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

const CHILLANTO_NAME = /^(\d{4})\d{3}(\d{3})\.wav$/i;
/** app instance, unix time (seconds on iOS, milliseconds on Android), app version, gender, age, reason */
const DONATEACRY_NAME = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-\d{10,13}-[\d.]+-[mf]-\d\d-([a-z]{2})\.wav$/i;

/**
 * Finds the WAV files below a directory as `walkTree` does, sorted by path, with their labels and groups.
 *
 * - `chillanto`, where most names are `IIIISSSCCC.wav`: label by class code, group = infant; folders mean nothing.
 * - `donateacry`, where most names are that app's: group = app instance; label = the first folder, or the reason tag
 *   where the files lie flat. (The folder is the corpus's own later word: seven `ch` files lie in discomfort.)
 * - `folders` otherwise: label = the first folder, group = the recording itself.
 *
 * A file that does not follow its reader is DATA_NAME_INVALID, so that one odd name does not silently turn a grouped
 * corpus into an ungrouped one.
 * @throws CryfoldError DATA_NOT_FOUND, DATA_EMPTY, DATA_TOO_LARGE
 */
export async function listRecordings(directory: string) {
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
  const most = (pattern: RegExp) => files.filter((file) => pattern.test(baseName(file))).length * 2 > files.length;
  const reader = most(CHILLANTO_NAME) ? 'chillanto' : most(DONATEACRY_NAME) ? 'donateacry' : 'folders';
  const label = { chillanto, donateacry, folders }[reader];
  return { root, reader, recordings: files.map(label), skipped } as const;
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
