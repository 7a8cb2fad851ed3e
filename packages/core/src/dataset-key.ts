import { contentKey } from './hash.js';

/** The properties that identify a clip. */
export interface ClipIdentity {
  id: string;
  label: string;
  group: string;
  /** Hex sha256 of the sampling rate and the samples */
  hash: string;
  /** The fold in which the clip is tested, if the data defines folds; otherwise undefined */
  fold?: string | undefined;
}

/**
 * Hashes everything that identifies a dataset: the id, label, group, sound and (if the data defines folds) fold of each
 * clip, in order, plus the name and version of every decoder that read recordings other than WAV files.
 */
export function datasetKey(clips: readonly ClipIdentity[], decoders: readonly string[] = []): string {
  const fold = (clip: ClipIdentity) => (clip.fold === undefined ? [] : [clip.fold]);
  const identities = clips.map((clip) => [clip.id, clip.label, clip.group, clip.hash, ...fold(clip)]);
  return contentKey(decoders.length === 0 ? identities : { clips: identities, decoders });
}
