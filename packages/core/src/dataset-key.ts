import { contentKey } from './hash.js';

/** What identifies a clip: its name, class, group and the hash of its sound. */
export interface ClipIdentity {
  id: string;
  label: string;
  group: string;
  /** Hex sha256 of the sampling rate and the samples */
  hash: string;
  /** The fold that tests the clip if the data names one, otherwise empty */
  fold?: string | undefined;
}

/**
 * Identity of a dataset: the id, label, group, sound and (if the data names one) fold of each clip, in order, plus the
 * name and version of every decoder that read recordings other than WAV files.
 */
export function datasetKey(clips: readonly ClipIdentity[], decoders: readonly string[] = []): string {
  const fold = (clip: ClipIdentity) => (clip.fold === undefined ? [] : [clip.fold]);
  const identities = clips.map((clip) => [clip.id, clip.label, clip.group, clip.hash, ...fold(clip)]);
  return contentKey(decoders.length === 0 ? identities : { clips: identities, decoders });
}
