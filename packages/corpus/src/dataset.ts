import { CryfoldError, datasetKey, type GroupSource } from '@cryfold/core';
import type { RecordingProperties } from './audit/recording-properties.js';
import type { Clip } from './clip.js';
import { cutRecording } from './cut-recording.js';
import { groupRecordings, parseGroupBy } from './groups/group-by.js';
import { datasetName, isManifest, readManifest } from './manifest.js';
import { Notes } from './notes.js';
import { BadRecordings, describeProblems, problemOf, type Skipped } from './problems.js';
import { listRecordings } from './readers.js';
import type { Recording } from './recording.js';
import { unifyNames } from './text/names.js';
import type { Unread } from './unread.js';
import type { CutOptions } from './windows.js';

export type { Clip } from './clip.js';
export { readClips } from './cut-recording.js';
export type { Skipped } from './problems.js';

/** Maximum number of clips in memory. A run has at most 200,000 clips, but `limitClips` may select them from more. */
const MOST_CLIPS = 1_000_000;

export interface Dataset {
  /** base name of the directory or manifest */
  name: string;
  /** directory to which the clips' file paths are relative; not part of `contentHash` */
  root: string;
  /** `manifest`, or the name of the directory's layout */
  reader: string;
  /** what the groups are and how they were determined */
  groupSource: GroupSource;
  /**
   * notes for the user on how the data was read, one sentence each, for example about ignored columns or names that
   * look alike
   */
  warnings: string[];
  /** if groups are unknown: suggestions on how to define them, one sentence each, including what to type */
  groupHints: string[];
  /** the labels, sorted by code unit */
  classes: string[];
  clips: Clip[];
  /** number of recordings with at least one clip */
  recordings: number;
  skipped: Skipped[];
  /** files below a directory that are not recordings, by extension */
  unread: Unread[];
  /** notes for the user on how the recordings were decoded, one line each */
  notes: string[];
  /** properties of each recording that has a clip, by file */
  properties: ReadonlyMap<string, RecordingProperties>;
  /** names and versions of the decoders of recordings other than WAV files, sorted */
  decoders: string[];
  /** whether any group has more than one clip; if not, grouped folds would be no different from random folds */
  grouped: boolean;
  /** whether the data assigns its recordings to folds, which PredefinedSplit uses */
  ownFolds: boolean;
  /** hex sha256 of the id, label, group, hash and (if assigned) fold of every clip, in order, and of the decoders */
  contentHash: string;
}

export interface ReadOptions extends Partial<CutOptions> {
  /** skip bad files and list them in `skipped`, instead of failing */
  skipBad?: boolean;
  /** use the folds that the data assigns; default false, since the folds are part of the content hash */
  folds?: boolean;
  /** `recording`, `folder`, the name of a manifest column, or a regular expression; see `parseGroupBy` */
  groupBy?: string | undefined;
  /** name of the directory's layout; if absent, the layout that fits is used */
  layout?: string | undefined;
  /** called after each file with the number of files done so far and in total */
  onProgress?: (done: number, total: number) => void;
}

/**
 * Reads a dataset: a directory of recordings in one of the layouts of `layouts/registry.ts`, or a CSV manifest with the
 * columns `path`, `label` and `group`. The spelling of labels and groups is made uniform (`unifyNames`). Every file is
 * decoded in pieces to check and hash it. `readClips` returns the samples later. docs/recordings.md lists the supported
 * formats. Recordings are cut from their start into complete clips; a remainder that is shorter than a clip is dropped.
 * `shortClips` decides what happens to recordings shorter than a clip. A silent clip in a recording that also has sound
 * is dropped and listed in `skipped`; a completely silent recording causes CLIP_SILENT. Clips are in the order of the
 * manifest's rows, or of the files of a directory by path (code units), then by segment.
 * @throws CryfoldError DATA_*, WAV_*, DECODER_MISSING or CLIP_*, with the file or line in the message; `BadRecordings`
 * if several recordings are bad
 */
export async function readDataset(path: string, options: ReadOptions = {}): Promise<Dataset> {
  const { clipSeconds = 1, skipBad = false, folds = false, onProgress } = options;
  const { root, reader, recordings, leftOut, unread, ...facts } = await readLabels(path, options);
  const notes = new Notes();
  const skipped: Skipped[] = [];
  const clips: Clip[] = [];
  const properties = new Map<string, RecordingProperties>();
  const bad: { file: string; error: CryfoldError }[] = [];
  const skip = (error: CryfoldError, file: string) => skipped.push(problemOf(error, file));
  for (const error of leftOut) skip(error, String(error.context.file));
  for (const [index, recording] of recordings.entries()) {
    if (clips.length > MOST_CLIPS) throw tooLarge(path);
    try {
      if ('error' in recording) throw recording.error;
      const labels = folds ? recording : { ...recording, fold: undefined };
      const cut = await cutRecording(root, labels, { ...options, clipSeconds });
      clips.push(...cut.clips);
      properties.set(recording.file, cut.properties);
      notes.add(recording.file, cut);
      for (const error of cut.silent) skip(error, recording.file);
    } catch (error) {
      if (!(error instanceof CryfoldError)) throw error;
      const dropped = options.shortClips === 'drop' && error.code === 'CLIP_SHORT';
      if (skipBad || dropped) skip(error, recording.file);
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
    const all = `${path}: all ${recordings.length} files are bad and were skipped`;
    throw new CryfoldError('DATA_EMPTY', [all, ...describeProblems(skipped)].join('\n'), {
      context: { path },
      hint: 'Repair these files, or use other recordings.',
    });
  }
  refuseLostClasses(path, recordings, { clips, skipped });
  const dataset = summarize(
    { name: datasetName(path), root, reader, skipped, unread, notes: notes.list(unread), properties, ...facts },
    clips,
  );
  if (dataset.classes.length === 1) {
    throw new CryfoldError('DATA_ONE_CLASS', `${path}: all ${clips.length} clips are of class ${dataset.classes[0]}`, {
      context: { path },
      hint: 'Use a directory with one folder per class, Chillanto or donateacry file names, or a CSV manifest with the columns path,label,group.',
    });
  }
  return dataset;
}

function tooLarge(path: string): CryfoldError {
  return new CryfoldError('DATA_TOO_LARGE', `${path}: has more than ${MOST_CLIPS} clips`, {
    context: { path, limit: MOST_CLIPS },
    hint: 'Use fewer recordings or longer clips.',
  });
}

/**
 * Reads the recordings and labels of a manifest or directory, and groups the recordings as the user requests.
 * @throws CryfoldError DATA_*
 */
export async function readLabels(path: string, { folds = false, groupBy, layout }: ReadOptions) {
  const manifest = isManifest(path);
  if (manifest && layout !== undefined) {
    throw new CryfoldError('USAGE', '--layout does not apply to a CSV manifest', { hint: 'Remove --layout.' });
  }
  const by = groupBy === undefined ? undefined : parseGroupBy(groupBy);
  const column = by?.kind === 'pattern' ? groupBy : undefined;
  const reading = manifest
    ? { ...(await readManifest(path, { folds, groupBy: column })), unread: [] }
    : { ...(await listRecordings(path, layout)), byColumn: false };
  const { root, reader, byColumn, warnings = [], groupHints = [] } = reading;
  const grouped = by && !byColumn ? groupRecordings(reading.recordings, by, reading) : undefined;
  const { groupSource, recordings } = grouped ?? reading;
  // If each recording is its own group, the groups are file paths, which are case-sensitive.
  const unified = unifyNames(recordings, { groups: groupSource.kind !== 'recording' });
  const ownFolds = unified.recordings.some((one) => 'fold' in one && one.fold);
  const own = ownFolds && !folds ? ['the data defines its own folds, which --protocol predefined uses'] : [];
  return {
    ...{ root, reader, groupSource, recordings: unified.recordings, leftOut: reading.skipped },
    ...{ unread: reading.unread, ownFolds },
    warnings: [...warnings, ...(grouped?.warnings ?? []), ...own, ...unified.warnings],
    groupHints: groupSource.kind === 'none' ? groupHints : [],
  };
}

/** Adds everything that can be derived from the clips. */
export function summarize(
  facts: Pick<Dataset, 'name' | 'root' | 'reader' | 'skipped' | 'groupSource' | 'warnings' | 'groupHints'> &
    Partial<Pick<Dataset, 'unread' | 'notes' | 'ownFolds' | 'properties'>>,
  clips: readonly Clip[],
): Dataset {
  const {
    name,
    root,
    reader,
    skipped,
    groupSource,
    warnings,
    groupHints,
    unread = [],
    notes = [],
    ownFolds = false,
    properties = new Map(),
  } = facts;
  const decoders = [...new Set(clips.flatMap(({ decoder }) => decoder ?? []))].sort();
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
    unread,
    notes,
    properties,
    decoders,
    ownFolds,
    grouped: new Set(clips.map(({ group }) => group)).size < clips.length,
    contentHash: datasetKey(clips, decoders),
  };
}

/** @throws CryfoldError DATA_CLASS_LOST if a class has recordings but no clips */
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
  const what = files.size === 1 ? 'the only one was' : `all ${files.size} were`;
  throw new CryfoldError('DATA_CLASS_LOST', `${path}: no recordings of class ${label} remain: ${what} skipped`, {
    context: { path, label, files: files.size },
    hint: `First problem: ${why} Repair the files of this class, or remove the class from the data.`,
  });
}
