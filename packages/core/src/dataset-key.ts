import { contentKey } from './hash.js';

/** What identifies a clip: its name, its class, its group and the hash of its sound. */
export interface ClipIdentity {
  id: string;
  label: string;
  group: string;
  /** Hex sha256 of the sampling rate and the samples */
  hash: string;
}

/** Identity of a dataset: each clip's id, label, group and sound, in order. */
export function datasetKey(clips: readonly ClipIdentity[]): string {
  return contentKey(clips.map(({ id, label, group, hash }) => [id, label, group, hash]));
}
