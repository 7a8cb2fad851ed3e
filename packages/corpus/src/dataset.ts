import { relative, resolve, sep } from 'node:path';
import { CryfoldError, datasetKey, type GroupSource, readRegularFile, sha256 } from '@cryfold/core';
import { groupRecordings, parseGroupBy } from './groups/group-by.js';
import { datasetName, isManifest, readManifest } from './manifest.js';
import { BadRecordings, describeProblems, problemOf, type Skipped } from './problems.js';
import { listRecordings } from './readers.js';
import type { Labels } from './recording.js';
import { unifyNames } from './text/names.js';
import { decodeWav, LARGEST_WAV, type Wav } from './wav.js';
import { cutClip, cutWindows, silence } from './windows.js';

export type { Skipped } from './problems.js';

/** One audio segment, its class and the infant (or recording, or device) it came from. */
export interface Clip {
  /** unique and stable: `file#segment`, the segment counted from 0 in whole clips from the recording's start */
  id: string;
  label: string;
  group: string;
  /** path relative to the dataset's root, with `/` */
  file: string;
  /** first sample in the mixed-down recording */
  start: number;
  /** samples in the clip, `round(rate * clipSeconds)`, padding included */
  length: number;
  /** sampling rate in Hz */
  rate: number;
  /** hex sha256 of the rate and the float64 samples: equal sound, equal hash */
  hash: string;
  /** the fold that tests it, empty for none; where `readDataset` was asked for folds and a manifest names them */
  fold?: string;
}

/** Clips that are kept in memory; a run has at most 200,000, which `limitClips` may take from more. */
const MOST_CLIPS = 1_000_000;

export interface Dataset {
  /** base name of the directory or manifest */
  name: string;
  /** directory that the clips' files are relative to; not part of `contentHash` */
  root: string;
  /** `manifest`, or the name of the directory's layout */
  reader: string;
  /** What groups are and how they are known */
  groupSource: GroupSource;
  /** What a user must know of how the data was read, a sentence each: of columns, and of names that look alike */
  warnings: string[];
  /** How groups might be known where they are not, a sentence each with what to type */
  groupHints: string[];
  /** the labels, sorted by code unit */
  classes: string[];
  clips: Clip[];
  /** recordings that gave at least one clip */
  recordings: number;
  skipped: Skipped[];
  /** whether some group holds more than one clip; where none does, grouped folds would be the random ones */
  grouped: boolean;
  /** hex sha256 over every clip's id, label, group, hash and, where it has one, fold, in order */
  contentHash: string;
}

export interface ReadOptions {
  /** length of a clip in seconds, default 1 */
  clipSeconds?: number;
  /** leave bad files out and list them in `skipped`, instead of failing */
  skipBad?: boolean;
  /** keep the folds that the data names; default false, since the folds are part of the content hash */
  folds?: boolean;
  /** `recording`, `folder`, a manifest's column, or a regular expression: see `parseGroupBy` */
  groupBy?: string | undefined;
  /** name of the directory's layout; without it the one that fits */
  layout?: string | undefined;
  /** called after each file with the number of files done and in all */
  onProgress?: (done: number, total: number) => void;
}

/**
 * Reads a dataset: a directory of WAV files in one of the layouts of `layouts/registry.ts`, or a CSV manifest
 * `path,label,group`. Labels and groups get one spelling (`unifyNames`). Every file is decoded once to check and hash
 * it, and its samples are let go again; `readClips` gives them back.
 *
 * Recordings are cut from their start into whole clips; the rest at the end, shorter than a clip, is dropped. (So
 * donateacry-devices.csv gives its 439 clips.) A recording of half a clip or more but less than one becomes one clip,
 * padded with zeros at its end; a shorter one is CLIP_SHORT. A silent second within a recording that also has sound
 * is dropped and listed in `skipped`; a recording that is silent throughout is CLIP_SILENT.
 *
 * Order: a manifest's rows as they stand, a directory's files by path (code units); then by segment.
 * @throws CryfoldError DATA_*, WAV_* or CLIP_*, naming the file or line; `BadRecordings` where several are bad
 */
export async function readDataset(path: string, options: ReadOptions = {}): Promise<Dataset> {
  const { clipSeconds = 1, skipBad = false, folds = false, onProgress } = options;
  const { root, reader, recordings, leftOut, ...facts } = await readLabels(path, options);
  const skipped: Skipped[] = [];
  const clips: Clip[] = [];
  const bad: { file: string; error: CryfoldError }[] = [];
  const skip = (error: CryfoldError, file: string) => skipped.push(problemOf(error, file));
  for (const error of leftOut) skip(error, String(error.context.file));
  for (const [index, recording] of recordings.entries()) {
    if (clips.length > MOST_CLIPS) throw tooLarge(path);
    try {
      if ('error' in recording) throw recording.error;
      const labels = folds ? recording : { ...recording, fold: undefined };
      const cut = cutRecording(labels, await readWav(root, recording.file), clipSeconds);
      clips.push(...cut.clips);
      for (const error of cut.silent) skip(error, recording.file);
    } catch (error) {
      if (!(error instanceof CryfoldError)) throw error;
      if (skipBad) skip(error, recording.file);
      else bad.push({ file: recording.file, error });
    }
    onProgress?.(index + 1, recordings.length);
  }
  if (bad.length === 1) throw bad[0].error;
  if (bad.length > 1) {
    const problems = bad.map(({ file, error }) => problemOf(error, file));
    throw new BadRecordings(path, problems, recordings.length);
  }
  if (clips.length === 0) {
    const all = `${path}: all ${recordings.length} files were skipped as bad`;
    throw new CryfoldError('DATA_EMPTY', [all, ...describeProblems(skipped)].join('\n'), {
      context: { path },
      hint: 'Repair them, or give other recordings.',
    });
  }
  const dataset = summarize({ name: datasetName(path), root, reader, skipped, ...facts }, clips);
  if (dataset.classes.length === 1) {
    throw new CryfoldError('DATA_ONE_CLASS', `${path}: all ${clips.length} clips are of class ${dataset.classes[0]}`, {
      context: { path },
      hint: 'Give a directory with one folder per class, Chillanto or donateacry names, or a CSV path,label,group.',
    });
  }
  return dataset;
}

function tooLarge(path: string): CryfoldError {
  return new CryfoldError('DATA_TOO_LARGE', `${path}: has more than ${MOST_CLIPS} clips`, {
    context: { path, limit: MOST_CLIPS },
    hint: 'Give fewer recordings, or ask for longer clips.',
  });
}

/** What a manifest or directory says of its recordings, with the groups that the user asks for. */
async function readLabels(path: string, { folds = false, groupBy, layout }: ReadOptions) {
  const manifest = isManifest(path);
  if (manifest && layout !== undefined) {
    throw new CryfoldError('USAGE', '--layout: a CSV manifest has none', { hint: 'Leave --layout out.' });
  }
  const by = groupBy === undefined ? undefined : parseGroupBy(groupBy);
  const column = by?.kind === 'pattern' ? groupBy : undefined;
  const reading = manifest
    ? await readManifest(path, { folds, groupBy: column })
    : { ...(await listRecordings(path, layout)), byColumn: false };
  const { root, reader, byColumn, apart, warnings = [], groupHints = [] } = reading;
  const grouped = by && !byColumn ? groupRecordings(reading.recordings, by, apart) : reading;
  const { groupSource } = grouped;
  // Groups that are recordings are paths, which differ in case.
  const unified = unifyNames(grouped.recordings, { groups: groupSource.kind !== 'recording' });
  const named = !folds && unified.recordings.some((one) => 'fold' in one && one.fold);
  const own = named ? ['the data names its own folds: --protocol predefined uses them'] : [];
  return {
    ...{ root, reader, groupSource, recordings: unified.recordings, leftOut: reading.skipped },
    warnings: [...warnings, ...own, ...unified.warnings],
    groupHints: groupSource.kind === 'none' ? groupHints : [],
  };
}

/** Completes a dataset with what follows from its clips. */
export function summarize(
  facts: Pick<Dataset, 'name' | 'root' | 'reader' | 'skipped' | 'groupSource' | 'warnings' | 'groupHints'>,
  clips: readonly Clip[],
): Dataset {
  const { name, root, reader, skipped, groupSource, warnings, groupHints } = facts;
  return {
    name,
    root,
    reader,
    groupSource,
    warnings,
    groupHints,
    classes: [...new Set(clips.map(({ label }) => label))].sort(),
    clips: [...clips],
    recordings: new Set(clips.map(({ file }) => file)).size,
    skipped,
    grouped: new Set(clips.map(({ group }) => group)).size < clips.length,
    contentHash: datasetKey(clips),
  };
}

/**
 * Gives every clip with its samples (mono, +-1, `clip.length` of them), in the dataset's order. Each file is read once
 * and only one recording is in memory at a time.
 * @throws CryfoldError DATA_CHANGED where a file no longer holds what `readDataset` saw; WAV_* as there
 */
export async function* readClips(
  dataset: Pick<Dataset, 'root' | 'clips'>,
): AsyncGenerator<{ clip: Clip; samples: Float64Array }> {
  let file: string | undefined;
  let wav: Wav | undefined;
  for (const clip of dataset.clips) {
    if (!wav || file !== clip.file) {
      file = clip.file;
      wav = await readWav(dataset.root, file);
    }
    const samples = cutClip(wav.samples, clip.start, clip.length);
    if (hashSamples(samples, wav.rate) !== clip.hash) {
      throw new CryfoldError('DATA_CHANGED', `${clip.id}: the file has changed since it was first read`, {
        context: { file: clip.file, clip: clip.id },
        hint: 'Run again once nothing writes to the data any more.',
      });
    }
    yield { clip, samples };
  }
}

/**
 * The clips of an earlier dataset that a folder still holds, byte for byte the same sound; others are left out. Files
 * outside the folder are not read: the names come from a store.
 * @param root folder that the names of the files are relative to
 * @param wanted ids and hashes of the earlier dataset's clips
 * @param clipSeconds length of its clips in seconds
 */
export async function findClips(
  root: string,
  wanted: readonly { id: string; label: string; group: string; hash?: string | undefined }[],
  clipSeconds: number,
): Promise<Clip[]> {
  const byFile = new Map<string, (typeof wanted)[number][]>();
  for (const clip of wanted) {
    const file = clip.id.slice(0, clip.id.lastIndexOf('#'));
    byFile.set(file, [...(byFile.get(file) ?? []), clip]);
  }
  const found: Clip[] = [];
  for (const [file, clips] of byFile) {
    const path = relative(resolve(root), resolve(root, file));
    if (path.split(sep)[0] === '..' || resolve(path) === path) continue;
    const wav = await readWav(root, file).catch(() => undefined);
    if (!wav) continue;
    const length = Math.round(wav.rate * clipSeconds);
    for (const { id, label, group, hash } of clips) {
      const start = length * Number(id.slice(file.length + 1));
      if (!(start < wav.samples.length) || hashSamples(cutClip(wav.samples, start, length), wav.rate) !== hash)
        continue;
      found.push({ id, label, group, file, start, length, rate: wav.rate, hash });
    }
  }
  return found;
}

async function readWav(root: string, file: string): Promise<Wav> {
  let bytes: Uint8Array;
  try {
    bytes = await readRegularFile(resolve(root, file), LARGEST_WAV);
  } catch (cause) {
    throw new CryfoldError('WAV_INVALID', `${file}: cannot be read: ${(cause as Error).message}`, {
      context: { file },
      hint: 'Replace it with a WAV file that can be read, or pass --skip-bad to leave such files out.',
      cause,
    });
  }
  return decodeWav(bytes, file);
}

function cutRecording(recording: Labels & { file: string }, wav: Wav, clipSeconds: number) {
  const { rate } = wav;
  const { file, label, group, fold } = recording;
  const { length, windows, silent } = cutWindows(wav, clipSeconds, file);
  const id = (start: number) => `${file}#${start / length}`;
  const clips = windows.map(({ start, samples }): Clip => {
    const hash = hashSamples(samples, rate);
    return { id: id(start), label, group, file, start, length, rate, hash, ...(fold === undefined ? {} : { fold }) };
  });
  return { clips, silent: silent.map((start) => silence(id(start), 'this part of the recording')) };
}

function hashSamples(samples: Float64Array, rate: number): string {
  const bytes = new Uint8Array(8 + samples.byteLength);
  new DataView(bytes.buffer).setFloat64(0, rate, true);
  bytes.set(new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength), 8);
  return sha256(bytes);
}
