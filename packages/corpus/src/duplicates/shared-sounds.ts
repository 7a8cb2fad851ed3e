import type { Clip } from '../clip.js';
import { readClips } from '../cut-recording.js';
import { type Dataset, summarize } from '../dataset.js';
import { Clusters } from './clusters.js';
import { findDuplicates } from './find-duplicates.js';

/**
 * Finds sounds that several clips of a dataset share because the clips are equal or overlap. Returns the indices of
 * each sound's clips, in order.
 * @throws any error that `readClips` throws
 */
export async function sharedSounds(dataset: Pick<Dataset, 'root' | 'clips'>): Promise<number[][]> {
  const read = async function* () {
    for await (const { clip, samples } of readClips(dataset)) yield { samples, rate: clip.rate };
  };
  const members = new Map<number, number[]>();
  const same = new Clusters(dataset.clips.length);
  for (const [clip, first] of (await findDuplicates(read)).entries()) same.join(first, clip);
  for (const [first, second] of overlaps(dataset.clips)) same.join(first, second);
  for (const [clip, first] of same.firsts().entries()) {
    const own = members.get(first);
    if (own) own.push(clip);
    else members.set(first, [clip]);
  }
  return [...members.values()].filter((clips) => clips.length > 1);
}

/** Pairs each clip with the previous clip if they share samples of a recording. */
function* overlaps(clips: readonly Clip[]): Generator<[number, number]> {
  for (let i = 1; i < clips.length; i++) {
    const before = clips[i - 1];
    if (before.file === clips[i].file && clips[i].start < before.start + before.length) yield [i - 1, i];
  }
}

/**
 * Merges groups so that clips that share a sound are in the same group, together with all other clips of their groups.
 * A merged group is named after its first group. The content hash changes, as with any change of groups.
 * @param sounds from `sharedSounds`
 */
export function joinGroups(dataset: Dataset, sounds: readonly (readonly number[])[]): Dataset {
  const names = [...new Set(dataset.clips.map(({ group }) => group))];
  const index = new Map(names.map((name, i) => [name, i]));
  const groupOf = ({ group }: Clip) => index.get(group) ?? 0;
  const joined = new Clusters(names.length);
  for (const [first, ...others] of sounds) {
    for (const other of others) joined.join(groupOf(dataset.clips[first]), groupOf(dataset.clips[other]));
  }
  const unknown = dataset.groupSource.kind === 'none';
  return summarize(
    unknown ? { ...dataset, groupSource: { kind: 'sounds' } } : dataset,
    dataset.clips.map((clip) => ({ ...clip, group: names[joined.first(groupOf(clip))] })),
  );
}
