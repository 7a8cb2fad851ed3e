import { type Clip, type Dataset, readClips, summarize } from '../dataset.js';
import { Clusters } from './clusters.js';
import { findDuplicates } from './find-duplicates.js';

/**
 * The sounds that more than one clip of a dataset holds, equal or overlapping: the indices of each one's clips, in order.
 * @throws CryfoldError as `readClips`
 */
export async function sharedSounds(dataset: Pick<Dataset, 'root' | 'clips'>): Promise<number[][]> {
  const read = async function* () {
    for await (const { clip, samples } of readClips(dataset)) yield { samples, rate: clip.rate };
  };
  const members = new Map<number, number[]>();
  for (const [clip, first] of (await findDuplicates(read)).entries()) {
    const own = members.get(first);
    if (own) own.push(clip);
    else members.set(first, [clip]);
  }
  return [...members.values()].filter((clips) => clips.length > 1);
}

/**
 * A dataset in which clips that share a sound are of one group, together with all other clips of their groups: named as
 * the first of these groups. Its content hash is another one, as that of other groups always is.
 * @param sounds of `sharedSounds`
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
