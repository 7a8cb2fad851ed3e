import { basename, resolve } from 'node:path';
import { CryfoldError, datasetKey, type ErrorCode } from '@cryfold/core';
import type { Clip } from './clip.js';
import { cutRecording } from './cut-recording.js';
import { isManifest, readManifest } from './manifest.js';
import { Notes } from './notes.js';
import { listRecordings } from './readers.js';
import type { Recording } from './recording.js';
import type { Unread } from './unread.js';
import type { CutOptions } from './windows.js';

export type { Clip } from './clip.js';
export { readClips } from './cut-recording.js';

/** What was left out, and why. */
export interface Skipped {
  file: string;
  code: ErrorCode;
  message: string;
}

export interface Dataset {
  /** base name of the directory or manifest */
  name: string;
  /** directory that the clips' files are relative to; not part of `contentHash` */
  root: string;
  reader: 'chillanto' | 'donateacry' | 'folders' | 'manifest';
  /** the labels, sorted by code unit */
  classes: string[];
  clips: Clip[];
  /** recordings that gave at least one clip */
  recordings: number;
  skipped: Skipped[];
  /** files below a directory that are no recordings, by ending */
  unread: Unread[];
  /** what people should know of how the recordings were read, a line each */
  notes: string[];
  /** name and version of what decoded recordings that are no WAV files, sorted */
  decoders: string[];
  /** whether some group holds more than one clip; where none does, grouped folds would be the random ones */
  grouped: boolean;
  /** hex sha256 over every clip's id, label, group, hash and, where it has one, fold, in order; and the decoders */
  contentHash: string;
}

export interface ReadOptions extends Partial<CutOptions> {
  /** leave bad files out and list them in `skipped`, instead of failing on the first */
  skipBad?: boolean;
  /** read the manifest's column `fold`; default false, since the folds are part of the content hash */
  folds?: boolean;
  /** called after each file with the number of files done and in all */
  onProgress?: (done: number, total: number) => void;
}

/**
 * Reads a dataset: a directory of recordings (Chillanto names, donateacry names, or one folder per class) or a CSV
 * manifest `path,label,group`. Every file is decoded to check and hash it, a piece at a time; `readClips` gives the
 * samples back. Which formats are read: docs/recordings.md.
 *
 * Recordings are cut from their start into whole clips; the rest at the end, shorter than a clip, is dropped. (So
 * donateacry-devices.csv gives its 439 clips.) What becomes of recordings shorter than a clip: `shortClips`. A silent clip within a recording that also has sound
 * is dropped and listed in `skipped`; a recording that is silent throughout is CLIP_SILENT.
 *
 * Order: a manifest's rows as they stand, a directory's files by path (code units); then by segment.
 * @throws CryfoldError DATA_*, WAV_*, DECODER_MISSING or CLIP_*, naming the file or line
 */
export async function readDataset(path: string, options: ReadOptions = {}): Promise<Dataset> {
  const { clipSeconds = 1, skipBad = false, folds = false, onProgress } = options;
  const listed = await list(path, folds);
  const { root, reader, recordings, unread } = listed;
  const notes = new Notes();
  const skipped: Skipped[] = [];
  const clips: Clip[] = [];
  const skip = ({ code, message }: CryfoldError, file: string) => skipped.push({ file, code, message });
  for (const [index, recording] of recordings.entries()) {
    try {
      if ('error' in recording) throw recording.error;
      const cut = await cutRecording(root, recording, { ...options, clipSeconds });
      clips.push(...cut.clips);
      notes.add(recording.file, cut);
      for (const error of cut.silent) skip(error, recording.file);
    } catch (error) {
      const dropped = options.shortClips === 'drop' && error instanceof CryfoldError && error.code === 'CLIP_SHORT';
      if (!(skipBad || dropped) || !(error instanceof CryfoldError)) throw error;
      skip(error, recording.file);
    }
    onProgress?.(index + 1, recordings.length);
  }
  if (clips.length === 0) {
    throw new CryfoldError('DATA_EMPTY', `${path}: all ${recordings.length} files were skipped as bad`, {
      context: { path },
      hint: `The first: ${skipped[0].message}`,
    });
  }
  const name = basename(resolve(path)).replace(/\.csv$/i, '');
  refuseLostClasses(path, recordings, { clips, skipped });
  const dataset = summarize({ name, root, reader, skipped, unread, notes: notes.list(unread) }, clips);
  if (dataset.classes.length === 1) {
    throw new CryfoldError('DATA_ONE_CLASS', `${path}: all ${clips.length} clips are of class ${dataset.classes[0]}`, {
      context: { path },
      hint: 'Give a directory with one folder per class, Chillanto or donateacry names, or a CSV path,label,group.',
    });
  }
  return dataset;
}

/** Completes a dataset with what follows from its clips. */
export function summarize(
  facts: Pick<Dataset, 'name' | 'root' | 'reader' | 'skipped'> & Partial<Pick<Dataset, 'unread' | 'notes'>>,
  clips: readonly Clip[],
): Dataset {
  const { name, root, reader, skipped, unread = [], notes = [] } = facts;
  const decoders = [...new Set(clips.flatMap(({ decoder }) => decoder ?? []))].sort();
  return {
    name,
    root,
    reader,
    classes: [...new Set(clips.map(({ label }) => label))].sort(),
    clips: [...clips],
    recordings: new Set(clips.map(({ file }) => file)).size,
    skipped,
    unread,
    notes,
    decoders,
    grouped: new Set(clips.map(({ group }) => group)).size < clips.length,
    contentHash: datasetKey(clips, decoders),
  };
}

/** The recordings of a directory or manifest. @throws CryfoldError DATA_* */
export async function list(path: string, folds = false) {
  return isManifest(path) ? { ...(await readManifest(path, { folds })), unread: [] } : await listRecordings(path);
}

/** @throws CryfoldError DATA_CLASS_LOST where a class has recordings and none of them gave a clip */
function refuseLostClasses(
  path: string,
  recordings: readonly Recording[],
  { clips, skipped }: { clips: readonly Clip[]; skipped: readonly Skipped[] },
): void {
  const kept = new Set(clips.map(({ label }) => label));
  const lost = recordings.flatMap((one) => ('label' in one && !kept.has(one.label) ? [one] : []));
  if (lost.length === 0) return;
  const [{ label }] = lost;
  const files = new Set(lost.filter((one) => one.label === label).map(({ file }) => file));
  const why = skipped.find(({ file }) => files.has(file))?.message ?? '';
  const what = files.size === 1 ? 'its only recording was' : `all of its ${files.size} recordings were`;
  throw new CryfoldError('DATA_CLASS_LOST', `${path}: class ${label} would be lost: ${what} left out`, {
    context: { path, label, files: files.size },
    hint: `The first: ${why} Correct them, or remove the class from the data.`,
  });
}
