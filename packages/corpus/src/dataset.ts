import { basename, resolve } from 'node:path';
import { CryfoldError, datasetKey, type ErrorCode, type GroupSource, readRegularFile, sha256 } from '@cryfold/core';
import { groupRecordings, parseGroupBy } from './groups/group-by.js';
import { isManifest, readManifest } from './manifest.js';
import { listRecordings } from './readers.js';
import type { Labels } from './recording.js';
import { decodeWav, LARGEST_WAV, type Wav } from './wav.js';
import { cutClip, cutWindows, silence } from './windows.js';

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
  /** `manifest`, or the name of the directory's layout */
  reader: string;
  /** What groups are and how they are known */
  groupSource: GroupSource;
  /** What a user must know of how the data was read, a sentence each */
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
  /** leave bad files out and list them in `skipped`, instead of failing on the first */
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
 * `path,label,group`. Every file is decoded once to check and hash it, and its samples are let go again;
 * `readClips` gives them back.
 *
 * Recordings are cut from their start into whole clips; the rest at the end, shorter than a clip, is dropped. (So
 * donateacry-devices.csv gives its 439 clips.) A recording of half a clip or more but less than one becomes one clip,
 * padded with zeros at its end; a shorter one is CLIP_SHORT. A silent second within a recording that also has sound
 * is dropped and listed in `skipped`; a recording that is silent throughout is CLIP_SILENT.
 *
 * Order: a manifest's rows as they stand, a directory's files by path (code units); then by segment.
 * @throws CryfoldError DATA_*, WAV_* or CLIP_*, naming the file or line
 */
export async function readDataset(path: string, options: ReadOptions = {}): Promise<Dataset> {
  const { clipSeconds = 1, skipBad = false, folds = false, onProgress } = options;
  const { root, reader, recordings, ...facts } = await readLabels(path, options);
  const skipped: Skipped[] = [];
  const clips: Clip[] = [];
  const skip = ({ code, message }: CryfoldError, file: string) => skipped.push({ file, code, message });
  for (const [index, recording] of recordings.entries()) {
    try {
      if ('error' in recording) throw recording.error;
      const labels = folds ? recording : { ...recording, fold: undefined };
      const cut = cutRecording(labels, await readWav(root, recording.file), clipSeconds);
      clips.push(...cut.clips);
      for (const error of cut.silent) skip(error, recording.file);
    } catch (error) {
      if (!skipBad || !(error instanceof CryfoldError)) throw error;
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
  const dataset = summarize({ name, root, reader, skipped, ...facts }, clips);
  if (dataset.classes.length === 1) {
    throw new CryfoldError('DATA_ONE_CLASS', `${path}: all ${clips.length} clips are of class ${dataset.classes[0]}`, {
      context: { path },
      hint: 'Give a directory with one folder per class, Chillanto or donateacry names, or a CSV path,label,group.',
    });
  }
  return dataset;
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
  const { recordings, groupSource } = by && !byColumn ? groupRecordings(reading.recordings, by, apart) : reading;
  const named = !folds && recordings.some((one) => 'fold' in one && one.fold);
  const own = 'the data names its own folds: --protocol predefined uses them';
  return {
    ...{ root, reader, recordings, groupSource },
    warnings: named ? [...warnings, own] : warnings,
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
