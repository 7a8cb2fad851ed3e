import { CryfoldError, deriveSeed, type GroupSource, Random } from '@cryfold/core';
import type { Clip } from './clip.js';
import { type Dataset, summarize } from './dataset.js';
import { groupPreview } from './groups/group-by.js';

/**
 * Distributes `total` among bins in proportion to their sizes, by the largest remainder method. Each bin gets at least
 * one, and ties go to the earlier bin. Requires `sizes.length <= total <= sum of sizes`.
 */
export function apportion(sizes: readonly number[], total: number): number[] {
  const sum = sizes.reduce((a, b) => a + b, 0);
  const exact = sizes.map((size) => (size * total) / sum);
  const quotas = exact.map((share) => Math.max(1, Math.floor(share)));
  const remainders = exact.map((share, i) => ({ i, excess: share - quotas[i] }));
  remainders.sort((a, b) => b.excess - a.excess || a.i - b.i);
  const given = () => quotas.reduce((a, b) => a + b, 0);
  for (let k = 0; given() < total; k++) quotas[remainders[k % quotas.length].i]++;
  while (given() > total) quotas[quotas.indexOf(Math.max(...quotas))]--;
  return quotas;
}

/**
 * Draws `n` clips from a dataset at random. Each class keeps its share (by largest remainder, at least one clip), and
 * clips keep their order. With the same seed, a smaller sample of a class is a subset of a larger one. A dataset that
 * is already small enough is returned unchanged.
 * @throws CryfoldError DATA_TOO_FEW if `n` is less than the number of classes
 */
export function limitClips(dataset: Dataset, n: number, seed: number): Dataset {
  const { clips, classes } = dataset;
  if (n >= clips.length) return dataset;
  if (!Number.isInteger(n) || n < classes.length) {
    throw new CryfoldError('DATA_TOO_FEW', `--limit ${n}: ${dataset.name} has ${classes.length} classes`, {
      context: { limit: n, classes: classes.length },
      hint: 'Keep at least one clip per class, and many more for cross-validation.',
    });
  }
  const ofClass = classes.map((label) => clips.filter((clip) => clip.label === label));
  const quotas = apportion(
    ofClass.map((members) => members.length),
    n,
  );
  const kept = new Set<Clip>();
  for (const [i, members] of ofClass.entries()) {
    new Random(deriveSeed('limit', seed, classes[i])).shuffle(members);
    for (const clip of members.slice(0, quotas[i])) kept.add(clip);
  }
  return summarize(
    dataset,
    clips.filter((clip) => kept.has(clip)),
  );
}

export interface DatasetSummary {
  name: string;
  reader: Dataset['reader'];
  recordings: number;
  clips: number;
  /** total length of all clips */
  seconds: number;
  groups: number;
  grouped: boolean;
  /** what the groups are and how they were determined */
  groupSource: GroupSource;
  /** a sentence about the number of groups and recordings, and the largest and smallest group */
  groupPreview: string;
  /** notes for the user on how the data was read, one sentence each */
  warnings: string[];
  /** clips per sampling rate, by rate in Hz, ascending */
  rates: { rate: number; clips: number }[];
  /** per class, sorted by label */
  classes: { label: string; clips: number; groups: number }[];
  skipped: Dataset['skipped'];
  unread: Dataset['unread'];
  notes: string[];
  decoders: string[];
  /** whether the data assigns its recordings to folds */
  ownFolds: boolean;
  contentHash: string;
}

/** Summarises a dataset, so that the user can check it before a run. */
export function inspectDataset(dataset: Dataset): DatasetSummary {
  const { name, reader, recordings, clips, classes, grouped, groupSource, contentHash } = dataset;
  const { skipped, unread, notes, decoders, ownFolds } = dataset;
  const groups = (members: readonly Clip[]) => new Set(members.map(({ group }) => group)).size;
  const rates = [...new Set(clips.map(({ rate }) => rate))].sort((a, b) => a - b);
  return {
    name,
    reader,
    recordings,
    clips: clips.length,
    seconds: clips.reduce((sum, { length, rate }) => sum + length / rate, 0),
    groups: groups(clips),
    grouped,
    groupSource,
    groupPreview: groupPreview(clips),
    warnings: [...dataset.warnings, ...dataset.groupHints],
    rates: rates.map((rate) => ({ rate, clips: clips.filter((clip) => clip.rate === rate).length })),
    classes: classes.map((label) => {
      const members = clips.filter((clip) => clip.label === label);
      return { label, clips: members.length, groups: groups(members) };
    }),
    ...{ skipped, unread, notes, decoders, ownFolds },
    contentHash,
  };
}
