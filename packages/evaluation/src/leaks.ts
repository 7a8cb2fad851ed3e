import { counted } from '@cryfold/core';
import type { LeakFindings } from './results.js';
import type { Split } from './split.js';

/** Returns the groups (or other labels) with clips on both sides of a split, in order of their first test clip. */
export function groupsSpanning(split: Split, groups: ArrayLike<string>): string[] {
  const inTrain = new Set<string>();
  for (const i of split.train) inTrain.add(groups[i]);
  const spanning = new Set<string>();
  for (const i of split.test) if (inTrain.has(groups[i])) spanning.add(groups[i]);
  return [...spanning];
}

/**
 * Returns a name for each clip; clips with equal sounds get the same name.
 * @param sounds for each sound, the indices of its clips
 */
export function soundMarks(clips: number, sounds: readonly (readonly number[])[]): string[] {
  const marks = Array.from({ length: clips }, (_, i) => `clip ${i}`);
  for (const [number, members] of sounds.entries()) for (const clip of members) marks[clip] = `sound ${number}`;
  return marks;
}

/** Maximum number of sounds to list in results, and of clips to list for each. */
const NAMED = { sounds: 10, clips: 4 };

/**
 * Finds the sounds and groups that are on both sides of splits, in the form that results.json stores.
 * @param sounds for each sound, the indices of its clips
 */
export function summariseLeaks({
  clips,
  splits,
  sounds,
}: {
  clips: readonly { id: string; group: string }[];
  splits: readonly Split[];
  sounds: readonly (readonly number[])[];
}): LeakFindings {
  const found = spanning(splits, clips, soundMarks(clips.length, sounds)).sort((a, b) => b.splits - a.splits);
  const groups = clips.map(({ group }) => group);
  return {
    sounds: found.length,
    clips: found.reduce((sum, leak) => sum + leak.clips.length, 0),
    groups: new Set(splits.flatMap((split) => groupsSpanning(split, groups))).size,
    splits: splits.length,
    examples: found.slice(0, NAMED.sounds).map((leak) => ({
      clips: leak.clips.slice(0, NAMED.clips),
      splits: leak.splits,
    })),
  };
}

/**
 * Returns the warning to show before the figures of a run with leaks; undefined if there is no leak.
 * @param known whether groups are known; if not, each recording is its own group
 */
export function leakHeadline(
  leaks: Pick<LeakFindings, 'sounds' | 'groups'> | undefined,
  known = true,
): string | undefined {
  const some = (count: number, what: string) => (count > 0 ? [counted(count, what)] : []);
  const found = leaks ? [...some(leaks.sounds, 'sound'), ...some(leaks.groups, known ? 'group' : 'recording')] : [];
  if (!leaks || found.length === 0) return undefined;
  const verb = leaks.sounds + leaks.groups === 1 ? 'is' : 'are';
  return `${found.join(' and ')} ${verb} in both train and test: these figures are inflated.`;
}

/**
 * Clips that share a group or content hash and are on both sides of at least one split. `splits` is the number of such
 * splits.
 */
export interface Leak {
  /** The group, or the content hash. */
  mark: string;
  clips: string[];
  splits: number;
}

export interface LeakReport {
  groups: Leak[];
  duplicates: Leak[];
  /** Classes that have no clips on one side of a split. */
  absentClasses: { repeat: number; fold: number; side: 'train' | 'test'; label: string }[];
}

function spanning(splits: readonly Split[], clips: readonly { id: string }[], marks: readonly string[]): Leak[] {
  const counts = new Map<string, number>();
  for (const split of splits) {
    for (const mark of groupsSpanning(split, marks)) counts.set(mark, (counts.get(mark) ?? 0) + 1);
  }
  const members = new Map<string, string[]>([...counts.keys()].map((mark) => [mark, []]));
  for (const [i, clip] of clips.entries()) members.get(marks[i])?.push(clip.id);
  return [...counts].map(([mark, count]) => ({ mark, clips: members.get(mark) ?? [], splits: count }));
}

/**
 * Finds problems that make a protocol's figures doubtful: groups or equal clips that are on both sides of a split, and
 * classes that are missing from one side.
 * @param hashes hashes of the clips' content; the caller decides which clips count as equal (for example after trimming
 * silence and normalising the level)
 */
export function findLeaks({
  classes,
  clips,
  splits,
  hashes,
}: {
  classes: readonly string[];
  clips: readonly { id: string; group: string; label: number }[];
  splits: readonly Split[];
  hashes?: readonly string[];
}): LeakReport {
  const absentClasses: LeakReport['absentClasses'] = [];
  for (const split of splits) {
    for (const side of ['train', 'test'] as const) {
      const seen = new Set(Array.from(split[side], (i) => clips[i].label));
      for (const [c, label] of classes.entries()) {
        if (!seen.has(c)) absentClasses.push({ repeat: split.repeat, fold: split.fold, side, label });
      }
    }
  }
  const groups = clips.map((clip) => clip.group);
  return {
    groups: spanning(splits, clips, groups),
    duplicates: hashes ? spanning(splits, clips, hashes) : [],
    absentClasses,
  };
}
