import { type Dataset, findClips, sharedSounds } from '@cryfold/corpus';
import type { DatasetManifest } from '@cryfold/plan';

/** Copies of a champion's training clips in new data, as found by comparing the audio rather than hashes. */
export interface ChampionSounds {
  /**
   * Clips of the new data that copy or overlap a training clip of the champion, where that training clip itself is not
   * in the new data
   */
  copies: ReadonlySet<number>;
  /** Training clips of the champion whose audio is not available, so that copies of them cannot be found */
  uncompared: number;
}

/**
 * Compares new data with the champion's training clips that are not part of it. Stores contain no audio, so only clips
 * whose files are still in the folder of the new data can be compared.
 * @param before training data of the champion, with clips of the same length as the new data
 * @param clipSeconds length of the clips in seconds
 * @throws CryfoldError see `readClips` of the corpus package
 */
export async function championSounds(
  { root, clips }: Pick<Dataset, 'root' | 'clips'>,
  before: Pick<DatasetManifest, 'clips'>,
  clipSeconds: number,
): Promise<ChampionSounds> {
  const present = new Set(clips.map(({ hash }) => hash));
  const others = before.clips.filter(({ hash }) => hash === undefined || !present.has(hash));
  const found = await findClips(root, others, clipSeconds);
  const sounds = found.length > 0 ? await sharedSounds({ root, clips: [...clips, ...found] }) : [];
  const learnt = sounds.filter((members) => members.some((clip) => clip >= clips.length));
  const copies = new Set(learnt.flat().filter((clip) => clip < clips.length));
  return { copies, uncompared: others.length - found.length };
}

/** Returns a note for the verdict about clips that could not be compared; empty if all clips were compared. */
export function uncomparedNote({ uncompared }: ChampionSounds, trained: number): string {
  if (uncompared === 0) return '';
  return (
    `; the audio of ${uncompared} of the champion’s ${trained} training clips is not available, so shifted or ` +
    'recoded copies of them count as unknown, which favours the champion'
  );
}
