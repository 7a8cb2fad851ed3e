import type { DatasetManifest } from '@cryfold/plan';

/** What of new data a champion was trained on; arrays have an entry per clip of the new data. */
export interface Heard {
  /** Whether it was trained on this sound or a copy of it, under whatever label */
  sounds: boolean[];
  /** Whether it was trained on this sound under this label */
  known: boolean[];
  /** Whether it was trained on clips of this group */
  groups: boolean[];
  /** Clips that the champion was trained on */
  trained: number;
  /** Which share of those is in the new data under the same label, 0 to 1 */
  share: number;
}

type Manifest = Pick<DatasetManifest, 'clips' | 'grouped'>;

/** What the audio of the new data says that hashes do not; indices of its clips. */
export interface Copies {
  /** Of each sound that several clips hold, equal or overlapping: these clips */
  sounds: readonly (readonly number[])[];
  /** Clips that are copies of the champion's training clips outside the new data */
  copies: ReadonlySet<number>;
}

/**
 * Compares new data with the data of a champion. Equal sounds are the same clip, whatever the file is called; manifests
 * of earlier versions hold no hashes, and then equal ids are. Shifted, overlapping and recoded copies of a learnt sound
 * count as learnt, but not as the same clip: a stand-in is trained on clips that are equal.
 * @param before what the champion was trained on
 * @param now the new data
 */
export function heardOf(
  before: Manifest,
  now: Manifest,
  { sounds: shared, copies }: Copies = { sounds: [], copies: new Set() },
): Heard {
  const byHash = [...before.clips, ...now.clips].every(({ hash }) => hash !== undefined);
  const soundOf = ({ id, hash = id }: Manifest['clips'][number]) => (byHash ? hash : id);
  const labelled = (clip: Manifest['clips'][number]) => `${clip.label} ${soundOf(clip)}`;
  const learnt = new Set(before.clips.map(soundOf));
  const learntAs = new Set(before.clips.map(labelled));
  const sounds = now.clips.map((clip, i) => learnt.has(soundOf(clip)) || copies.has(i));
  for (const members of shared) {
    if (members.some((clip) => sounds[clip])) for (const clip of members) sounds[clip] = true;
  }
  // Where every clip is a group of its own, groups are names of files, and equal names mean nothing.
  const named = before.grouped || now.grouped;
  const heardGroups = new Set(named ? before.clips.map(({ group }) => group) : []);
  now.clips.forEach(({ group }, i) => {
    if (sounds[i]) heardGroups.add(group);
  });
  const present = new Set(now.clips.map(labelled));
  return {
    ...{ sounds, known: now.clips.map((clip) => learntAs.has(labelled(clip))) },
    groups: now.clips.map(({ group }) => heardGroups.has(group)),
    trained: before.clips.length,
    share: before.clips.filter((clip) => present.has(labelled(clip))).length / before.clips.length,
  };
}
