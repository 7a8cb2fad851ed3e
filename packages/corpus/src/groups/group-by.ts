import { CryfoldError, counted, didYouMean, type GroupSource, printable } from '@cryfold/core';
import type { Recording } from '../recording.js';
import { tidyName } from '../text/names.js';

/** A parsed `--group-by` option. */
export type GroupBy = { kind: 'recording' | 'folder' } | { kind: 'pattern'; text: string; pattern: RegExp };

/** Maximum length of a pattern. */
const LONGEST = 500;

/**
 * Parses the value of `--group-by`: `recording`, `folder`, or a regular expression. An expression is applied to the
 * path of each file within the data, and its first capture group (or the whole match) is the name of the group.
 * @throws CryfoldError USAGE
 */
export function parseGroupBy(text: string): GroupBy {
  if (text === 'recording' || text === 'folder') return { kind: text };
  const invalid = (why: string) =>
    new CryfoldError('USAGE', `--group-by ${JSON.stringify(text.slice(0, LONGEST))}: ${why}`, {
      hint: 'Use recording, folder, a column of the manifest, or a regular expression such as "([^/]+)_\\d+\\.".',
    });
  if (text === '' || text.length > LONGEST) throw invalid(`a pattern must have 1 to ${LONGEST} characters`);
  try {
    return { kind: 'pattern', text, pattern: new RegExp(text, 'u') };
  } catch (error) {
    throw invalid((error as Error).message);
  }
}

/** What `groupRecordings` needs to know about the data besides the recordings. */
export interface GroupContext {
  /** Names of folders that are not groups, because they belong to splits or folds */
  apart?: ReadonlySet<string> | undefined;
  /** Names of the manifest's columns */
  columns?: readonly string[] | undefined;
}

/**
 * Assigns recordings to the groups that the user requests. A recording whose path contains no group gets an error.
 * @throws CryfoldError USAGE if no recording has a group
 */
export function groupRecordings(
  recordings: readonly Recording[],
  by: GroupBy,
  { apart = new Set(), columns }: GroupContext = {},
): { recordings: Recording[]; groupSource: GroupSource; warnings: string[] } {
  const groups = new Map<string, string>();
  const grouped = recordings.map((recording): Recording => {
    if ('error' in recording) return recording;
    const { file } = recording;
    const group = groupOf(recording, by, apart);
    if (tidyName(group) === '') return { file, error: ungrouped(file, by) };
    groups.set(group, withoutClass(group.split('/'), recording.label).join('/'));
    return { ...recording, group };
  });
  if (groups.size === 0 && by.kind === 'pattern' && recordings.some((one) => !('error' in one))) {
    throw matchesNothing(by.text, recordings, columns);
  }
  const warnings = by.kind === 'pattern' ? classesApart(groups) : [];
  return { recordings: grouped, groupSource: sourceOf(by), warnings };
}

function matchesNothing(text: string, recordings: readonly Recording[], columns: readonly string[] | undefined) {
  const [example] = recordings.filter((one) => !('error' in one));
  const what = columns ? 'is not a column of the manifest and, as a pattern, matches no path' : 'matches no path';
  const known = columns ? `${didYouMean(text, columns)}The columns are ${columns.join(', ')}. ` : '';
  return new CryfoldError('USAGE', `--group-by ${JSON.stringify(text)} ${what}, such as ${printable(example.file)}`, {
    context: { groupBy: text },
    hint: `${known}A pattern is matched against each file's path within the data.`,
  });
}

/** Returns the parts of a path without the class folder. */
const withoutClass = (parts: readonly string[], label: string): string[] => {
  const own = tidyName(label);
  return parts.filter((name) => tidyName(name) !== own);
};

/**
 * Warns if groups differ only in the class folder, probably because one speaker has recordings in several classes.
 * @param groups maps each group to its name without the class folder
 */
function classesApart(groups: ReadonlyMap<string, string>): string[] {
  const byName = new Map<string, string[]>();
  for (const [group, name] of groups) byName.set(name, [...(byName.get(name) ?? []), group]);
  const repeated = [...byName.values()].filter((same) => same.length > 1);
  if (repeated.length === 0) return [];
  const [first, second] = repeated[0].map(printable);
  const forms = repeated.length === 1 ? 'forms' : 'form';
  return [
    `${counted(repeated.length, 'name')} of --group-by ${forms} a group in each of several classes (${first}, ${second}); if these are the same speaker or recording, use a pattern that does not capture the class folder`,
  ];
}

function sourceOf(by: GroupBy): GroupSource {
  return by.kind === 'pattern' ? { kind: 'pattern', name: by.text } : { kind: by.kind };
}

function groupOf({ file, label }: { file: string; label: string }, by: GroupBy, apart: ReadonlySet<string>): string {
  if (by.kind === 'recording') return file.replace(/\.[^./]+$/, '');
  if (by.kind === 'pattern') {
    const match = by.pattern.exec(file);
    return match?.[1] ?? match?.[0] ?? '';
  }
  const folders = file.split('/').slice(0, -1);
  return withoutClass(folders, label)
    .filter((name) => !apart.has(name))
    .join('/');
}

function ungrouped(file: string, by: GroupBy): CryfoldError {
  const why =
    by.kind === 'folder'
      ? 'is in no folder other than its class folder, so --group-by folder finds no group'
      : '--group-by finds no group in its path';
  return new CryfoldError('DATA_NAME_INVALID', `${file}: ${why}`, {
    context: { file },
    hint: 'Change --group-by, rename or move the file, or pass --skip-bad to skip it.',
  });
}

/** Returns text such as `8 groups from 40 recordings; the largest, low/rec0, has 5, the smallest, high/rec3, has 2`. */
export function groupPreview(clips: readonly { group: string; file: string }[]): string {
  const members = new Map<string, Set<string>>();
  for (const { group, file } of clips) members.set(group, (members.get(group) ?? new Set()).add(file));
  const sizes = Array.from(members, ([group, files]) => ({ group, size: files.size }));
  sizes.sort((a, b) => b.size - a.size || (a.group < b.group ? -1 : 1));
  const recordings = new Set(clips.map(({ file }) => file)).size;
  const [largest, smallest] = [sizes[0], sizes[sizes.length - 1]];
  const extremes =
    largest && largest.size !== smallest.size
      ? `; the largest, ${printable(largest.group)}, has ${largest.size}, the smallest, ${printable(smallest.group)}, has ${smallest.size}`
      : largest
        ? `, ${largest.size} each, such as ${printable(largest.group)}`
        : '';
  return `${counted(sizes.length, 'group')} from ${counted(recordings, 'recording')}${extremes}`;
}
