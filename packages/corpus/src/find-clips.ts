import { resolve } from 'node:path';
import { CryfoldError, isBelow } from '@cryfold/core';
import { openFile } from './audio/open-file.js';
import { SampleBuffer } from './audio/sample-buffer.js';
import type { Clip } from './clip.js';
import { hashSamples } from './cut-recording.js';
import { filled } from './windows.js';

/** A clip of an earlier dataset. */
interface Wanted {
  id: string;
  label: string;
  group: string;
  hash?: string | undefined;
}

/**
 * Finds the clips of an earlier dataset that a folder still contains with exactly the same samples. Other clips are
 * left out. Files outside the folder are never read, because the file names come from a store and are not trusted.
 * @param root folder to which the file names are relative
 * @param wanted ids and hashes of the earlier dataset's clips
 * @param clipSeconds clip length of the earlier dataset in seconds
 */
export async function findClips(root: string, wanted: readonly Wanted[], clipSeconds: number): Promise<Clip[]> {
  const byFile = new Map<string, Wanted[]>();
  for (const clip of wanted) {
    const file = clip.id.slice(0, clip.id.lastIndexOf('#'));
    byFile.set(file, [...(byFile.get(file) ?? []), clip]);
  }
  const found: Clip[] = [];
  for (const [file, clips] of byFile) {
    if (!isBelow(resolve(root, file), root)) continue;
    found.push(...(await findInFile(root, { file, clips }, clipSeconds)));
  }
  return found;
}

/** Returns no clips if the file cannot be read completely. */
async function findInFile(
  root: string,
  { file, clips }: { file: string; clips: readonly Wanted[] },
  clipSeconds: number,
): Promise<Clip[]> {
  try {
    const { audio, close } = await openFile(resolve(root, file), file);
    try {
      const { rate, decoder } = audio;
      const length = Math.round(rate * clipSeconds);
      // An id contains the start of the clip in clip lengths, so the ids of overlapping clips contain fractions.
      const starts = clips.map((clip) => ({
        clip,
        start: Math.round(length * Number(clip.id.slice(file.length + 1))),
      }));
      const buffer = new SampleBuffer(audio.blocks);
      const found: Clip[] = [];
      for (const { clip, start } of starts.sort((a, b) => a.start - b.start)) {
        if (!(start >= 0)) continue;
        const own = await buffer.part(start, Math.max(1, length));
        if (own.length === 0 || hashSamples(filled(own, length), rate) !== clip.hash) continue;
        const { id, label, group, hash } = clip;
        found.push({
          id,
          label,
          group,
          file,
          start,
          length,
          rate,
          hash,
          ...(decoder === undefined ? {} : { decoder }),
        });
      }
      return found;
    } finally {
      await close();
    }
  } catch (error) {
    if (error instanceof CryfoldError) return [];
    throw error;
  }
}
