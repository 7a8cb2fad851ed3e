import type { DatasetManifest } from '@cryfold/plan';

/** Which parts of new data a champion was trained on. Arrays have one entry per clip of the new data. */
export interface TrainingOverlap {
  /** Whether the champion was trained on this sound or a copy of it, under any label */
  sounds: boolean[];
  /** Whether the champion was trained on this sound under this label */
  known: boolean[];
  /** Whether the champion was trained on clips of this group */
  groups: boolean[];
  /** Number of clips that the champion was trained on */
  trained: number;
  /** Share of these clips that is in the new data under the same label, 0 to 1 */
  share: number;
}

type Manifest = Pick<DatasetManifest, 'clips' | 'grouped'>;

/**
 * Copies that were found by comparing the audio, in addition to those with equal hashes. All numbers are indices of
 * clips in the new data.
 */
export interface Copies {
  /** For each sound, the clips that share it, whether equal or overlapping */
  sounds: readonly (readonly number[])[];
  /**
   * Clips that are copies of a training clip of the champion, where that training clip itself is not in the new data
   */
  copies: ReadonlySet<number>;
}

/**
 * Compares new data with the data of a champion. Clips with equal sounds count as the same clip, regardless of their
 * file names. Manifests of earlier versions have no hashes, so ids are compared instead. Shifted, overlapping and
 * re-encoded copies of a sound that the champion was trained on count as sounds that it was trained on, but not as the
 * same clip, because a stand-in is only trained on equal clips.
 * @param before training data of the champion
 * @param now the new data
 */
export function trainingOverlap(
  before: Manifest,
  now: Manifest,
  { sounds: shared, copies }: Copies = { sounds: [], copies: new Set() },
): TrainingOverlap {
  const byHash = [...before.clips, ...now.clips].every(({ hash }) => hash !== undefined);
  const soundOf = ({ id, hash = id }: Manifest['clips'][number]) => (byHash ? hash : id);
  const labelled = (clip: Manifest['clips'][number]) => `${clip.label} ${soundOf(clip)}`;
  const learnt = new Set(before.clips.map(soundOf));
  const learntAs = new Set(before.clips.map(labelled));
  const sounds = now.clips.map((clip, i) => learnt.has(soundOf(clip)) || copies.has(i));
  for (const members of shared) {
    if (members.some((clip) => sounds[clip])) for (const clip of members) sounds[clip] = true;
  }
  // If each clip is its own group, groups are named after files, so equal names do not indicate the same group.
  const named = before.grouped || now.grouped;
  const trainedGroups = new Set(named ? before.clips.map(({ group }) => group) : []);
  now.clips.forEach(({ group }, i) => {
    if (sounds[i]) trainedGroups.add(group);
  });
  const present = new Set(now.clips.map(labelled));
  return {
    ...{ sounds, known: now.clips.map((clip) => learntAs.has(labelled(clip))) },
    groups: now.clips.map(({ group }) => trainedGroups.has(group)),
    trained: before.clips.length,
    share: before.clips.filter((clip) => present.has(labelled(clip))).length / before.clips.length,
  };
}
