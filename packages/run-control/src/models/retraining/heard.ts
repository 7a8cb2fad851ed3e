import type { DatasetManifest } from '@cryfold/plan';

/** What of new data a champion was trained on; arrays have an entry per clip of the new data. */
export interface Heard {
  /** Whether it was trained on this sound, under whatever label */
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

/**
 * Compares new data with the data of a champion. Equal sounds are the same clip, whatever the file is called; manifests
 * of earlier versions hold no hashes, and then equal ids are.
 * @param before what the champion was trained on
 * @param now the new data
 */
export function heardOf(before: Manifest, now: Manifest): Heard {
  const byHash = [...before.clips, ...now.clips].every(({ hash }) => hash !== undefined);
  const soundOf = ({ id, hash = id }: Manifest['clips'][number]) => (byHash ? hash : id);
  const labelled = (clip: Manifest['clips'][number]) => `${clip.label} ${soundOf(clip)}`;
  const learnt = new Set(before.clips.map(soundOf));
  const learntAs = new Set(before.clips.map(labelled));
  const sounds = now.clips.map((clip) => learnt.has(soundOf(clip)));
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
