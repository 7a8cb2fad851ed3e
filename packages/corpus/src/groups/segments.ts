import { counted } from '@cryfold/core';

/** Matches `rec0_01.wav` and `rec0 part 2.wav`: a stem, a separator, and a number at the end. */
const NUMBERED = /^(.*[^_. -])([_. -])(?:(?:seg|segment|part|clip|chunk|slice)[_. -]?)?\d{1,5}\.[^./]+$/i;

/** A suggestion to group files whose names look like parts of longer recordings. */
export interface SegmentNames {
  /**
   * Number of recordings from which the files seem to be cut, if equal names in different folders mean the same
   * recording
   */
  recordings: number;
  /**
   * Number of recordings from which the files seem to be cut, if equal names in different folders mean different
   * recordings
   */
  recordingsWithFolder: number;
  /** Number of files whose names look like parts of a recording */
  files: number;
  /** Two files that look like parts of the same recording */
  examples: [string, string];
  /** Value for `--group-by`. Leaves out the class folder, so that all recordings of a speaker stay together */
  pattern: string;
  /** Value for `--group-by` if equal names in different folders mean different recordings */
  withFolder: string;
}

/**
 * Checks whether file names look like parts of longer recordings: at least half of the files end in a number after a
 * separator, files of the same folder have several stems, and some stem has several files. (Names such as
 * `low/low_1.wav`, `low/low_2.wav` have one stem per folder, which is not informative.)
 */
export function segmentNames(files: readonly string[]): SegmentNames | undefined {
  const stems = new Map<string, string[]>();
  const separators = new Map<string, number>();
  for (const file of files) {
    const at = file.lastIndexOf('/') + 1;
    const match = NUMBERED.exec(file.slice(at));
    if (!match) continue;
    const stem = file.slice(0, at) + match[1];
    const members = stems.get(stem);
    if (members) members.push(file);
    else stems.set(stem, [file]);
    separators.set(match[2], (separators.get(match[2]) ?? 0) + 1);
  }
  const several = [...stems].filter(([, members]) => members.length > 1);
  const parts = several.reduce((sum, [, members]) => sum + members.length, 0);
  const folders = several.map(([stem]) => stem.slice(0, stem.lastIndexOf('/') + 1));
  if (parts * 2 < files.length || new Set(folders).size === folders.length) return undefined;
  const [, [first, second]] = several[0];
  const [[separator]] = [...separators].sort((a, b) => b[1] - a[1]);
  const worded = several.some(([stem, [file]]) => !/^[_. -]\d/.test(file.slice(stem.length)));
  const words = worded ? '(?:[a-z]+[_. -]?)?' : '';
  const rest = `(?:${separator === '.' ? '\\.' : separator}${words}\\d+)?\\.[^./]+$`;
  const withFolder = `^(.+?)${rest}`;
  // In deeper trees, folders other than the class folder may stand for speakers.
  const pattern = files.every((file) => file.split('/').length <= 2) ? `([^/]+?)${rest}` : withFolder;
  return {
    ...{ pattern, withFolder, files: parts, examples: [first, second] },
    recordings: countGroups(files, pattern),
    recordingsWithFolder: countGroups(files, withFolder),
  };
}

function countGroups(files: readonly string[], pattern: string): number {
  const expression = new RegExp(pattern, 'u');
  return new Set(files.map((file) => expression.exec(file)?.[1])).size;
}

/** Returns a hint about such file names that says what to type; undefined if no names look like segments. */
export function segmentWarning(files: readonly string[]): string | undefined {
  const found = segmentNames(files);
  if (!found) return undefined;
  const { examples, pattern, withFolder, recordings, recordingsWithFolder } = found;
  const other =
    recordings === recordingsWithFolder
      ? ''
      : `. Some names occur in several folders; if these are different recordings, pass --group-by '${withFolder}', which forms ${counted(recordingsWithFolder, 'group')}`;
  return `file names look like parts of recordings (${examples.join(', ')}): if they are, pass --group-by '${pattern}', which forms ${counted(recordings, 'group')} from ${counted(files.length, 'file')}${other}`;
}
