import { CryfoldError } from '@cryfold/core';
import type { Dataset } from '@cryfold/corpus';
import { findLeaks, isGrouped, type Leak, type LeakReport, type Split, soundMarks } from '@cryfold/evaluation';
import type { Spec } from '@cryfold/plan';

/** Maximum number of leaks to list, and of clips to list per leak. */
const SHOWN = { leaks: 10, clips: 4 };

/**
 * Checks the folds of a run before training. Looks for groups, and for equal or overlapping sounds, on both sides of a
 * split, and for missing classes.
 * @returns warnings to show to the user if the run may continue
 * @throws CryfoldError LEAK_FOUND if the protocol must keep groups together but groups leak, unless `allowLeak` is set
 */
export function checkLeaks(
  spec: Spec,
  dataset: Dataset,
  splits: readonly Split[],
  { sounds, allowLeak }: { /** See `sharedSounds` */ sounds: readonly (readonly number[])[]; allowLeak: boolean },
): string[] {
  const leaks = findLeaks({
    classes: dataset.classes,
    clips: dataset.clips.map(({ id, group, label }) => ({ id, group, label: dataset.classes.indexOf(label) })),
    splits,
    hashes: soundMarks(dataset.clips.length, sounds),
  });
  const grouped = isGrouped(spec.protocol.splitter);
  const broken = grouped ? brokenPromise(dataset, leaks) : [];
  const found = [...describeDuplicates(leaks.duplicates, splits.length), ...describeAbsent(leaks, splits.length)];
  if (broken.length === 0) return found;
  if (allowLeak) return [...broken.map((line) => `allowed: ${line}`), ...found];
  throw new CryfoldError('LEAK_FOUND', [...broken, ...found].join('\n  '), {
    context: { splitter: spec.protocol.splitter, duplicates: leaks.duplicates.length, groups: leaks.groups.length },
    hint: 'Pass --group-duplicates to merge groups that contain the same sound, keep only one copy of each sound, or pass --allow-leak.',
  });
}

function brokenPromise(dataset: Dataset, { groups, duplicates }: LeakReport): string[] {
  // One clip per group is fine if the user has declared that each recording is a group.
  if (!dataset.grouped && dataset.groupSource.kind !== 'recording') {
    return ['grouped folds were requested, but each clip is its own group'];
  }
  const lines: string[] = [];
  if (groups.length > 0)
    lines.push(`${groups.length} groups are in both train and test: ${names(groups.map(({ mark }) => mark))}`);
  if (duplicates.length > 0)
    lines.push('grouped folds were requested, but clips of different groups contain the same or overlapping sound');
  return lines;
}

function names(all: readonly string[]): string {
  const rest = all.length - SHOWN.clips;
  return `${all.slice(0, SHOWN.clips).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}

function describeDuplicates(duplicates: readonly Leak[], splits: number): string[] {
  const lines = duplicates
    .slice(0, SHOWN.leaks)
    .map((leak) => `same sound in both train and test of ${leak.splits} of ${splits} splits: ${names(leak.clips)}`);
  const rest = duplicates.length - SHOWN.leaks;
  return rest > 0 ? [...lines, `and ${rest} more duplicate sounds`] : lines;
}

function describeAbsent({ absentClasses }: LeakReport, splits: number): string[] {
  const counts = new Map<string, number>();
  for (const { side, label } of absentClasses) {
    const key = `class ${label} has no ${side === 'train' ? 'training' : 'test'} clip`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return Array.from(counts, ([what, count]) => `${what} in ${count} of ${splits} splits`);
}
