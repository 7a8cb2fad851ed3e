import { type Dataset, findClips, sharedSounds } from '@cryfold/corpus';
import type { DatasetManifest } from '@cryfold/plan';

/** What the audio says about new data and a champion, beyond equal hashes. */
export interface ChampionSounds {
  /** Clips of the new data that are copies of the champion's training clips outside the new data, or overlap them */
  copies: ReadonlySet<number>;
  /** Training clips of the champion whose audio is not at hand, so that copies of them are not found */
  uncompared: number;
}

/**
 * Compares new data with those of a champion's training clips that are not part of it. Stores hold no audio, so only clips
 * whose files still lie in the folder of the new data can be compared.
 * @param before what the champion was trained on, in clips as long as those of the new data
 * @param clipSeconds length of the clips in seconds
 * @throws CryfoldError as `readClips` of the corpus package
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

/** What a verdict must say about clips that could not be compared; empty where there are none. */
export function uncomparedNote({ uncompared }: ChampionSounds, trained: number): string {
  if (uncompared === 0) return '';
  return (
    `; the audio of ${uncompared} of the champion’s ${trained} training clips is not with the data, so shifted or ` +
    'recoded copies of them count as unknown, which favours the champion'
  );
}
