import { resolve } from 'node:path';
import { CryfoldError } from '@cryfold/core';
import { openFile } from './audio/open-file.js';
import { readLabels } from './dataset.js';

/** Durations of the recordings of a dataset. */
export interface Durations {
  recordings: number;
  /** Quantiles in seconds by share of the recordings, ascending: from the shortest (0) to the longest recording (1) */
  quantiles: { share: number; seconds: number }[];
  /** Number of recordings that are shorter than a clip */
  short: number;
  /**
   * The longest common clip length at which nearly all recordings contain a complete clip; absent if nearly all
   * recordings contain a complete clip of `clipSeconds`
   */
  proposedClipSeconds?: number;
}

const SHARES = [0, 0.05, 0.25, 0.5, 0.75, 0.95, 1];
/** Share of recordings that may be shorter than a suggested clip length. */
const SHORT_SHARE = 0.05;
/** Clip lengths in seconds that may be suggested. */
const USUAL = [5, 4, 3, 2, 1.5, 1, 0.75, 0.5, 0.4, 0.3, 0.25, 0.2, 0.15, 0.1, 0.05];

/**
 * Measures the recordings of a directory or manifest, from their headers if possible, otherwise by decoding them.
 * Unreadable recordings are left out.
 * @param asked length of a clip, and the layout if the user specified one
 * @throws CryfoldError DATA_*
 */
export async function measureDurations(
  path: string,
  { clipSeconds, layout }: { clipSeconds: number; layout?: string | undefined },
  onProgress: (done: number, total: number) => void = () => {},
): Promise<Durations> {
  const { root, recordings } = await readLabels(path, { layout });
  const all: number[] = [];
  for (const [index, recording] of recordings.entries()) {
    const seconds = 'error' in recording ? undefined : await secondsOf(resolve(root, recording.file), recording.file);
    if (seconds !== undefined) all.push(seconds);
    onProgress(index + 1, recordings.length);
  }
  return summarizeDurations(all, clipSeconds);
}

/** @param seconds durations of the recordings, in any order */
export function summarizeDurations(seconds: readonly number[], clipSeconds: number): Durations {
  const sorted = [...seconds].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  const short = sorted.filter((one) => one < clipSeconds).length;
  const proposed = USUAL.find((length) => sorted.filter((one) => one < length).length <= SHORT_SHARE * sorted.length);
  return {
    recordings: sorted.length,
    quantiles: sorted.length === 0 ? [] : SHARES.map((share) => ({ share, seconds: at(share) })),
    short,
    ...(short > SHORT_SHARE * sorted.length && proposed !== undefined ? { proposedClipSeconds: proposed } : {}),
  };
}

async function secondsOf(path: string, file: string): Promise<number | undefined> {
  try {
    const { audio, close } = await openFile(path, file);
    try {
      let frames = 0;
      if (audio.frames === undefined) for await (const { length } of audio.blocks) frames += length;
      return (audio.frames ?? frames) / audio.rate;
    } finally {
      await close();
    }
  } catch (error) {
    if (error instanceof CryfoldError) return undefined;
    throw error;
  }
}
