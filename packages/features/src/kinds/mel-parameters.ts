import { z } from 'zod';

/**
 * Parameters that are common to all kinds on the mel scale. They have the same meaning as in librosa, but are in units
 * of time instead of samples.
 */
export const melParameters = {
  clipSeconds: z.number().positive().max(3600).default(1).describe('length of a clip'),
  frameMs: z
    .number()
    .min(1)
    .max(1000)
    .default(32)
    .describe('length of a frame, like librosa’s win_length; the length of the FFT is the next power of two'),
  hopMs: z
    .number()
    .min(1)
    .max(1000)
    .default(10)
    .describe('distance from one frame to the next, like librosa’s hop_length'),
  melBands: z.int().min(2).max(256).default(40).describe('n_mels'),
  fmin: z.number().min(0).max(96_000).default(0).describe('Hz'),
  fmax: z.number().positive().max(96_000).optional().describe('Hz; default: half the sampling rate'),
  topDb: z
    .number()
    .positive()
    .max(300)
    .default(80)
    .describe('like librosa’s top_db: raises levels to at least this many dB below the loudest level of the clip'),
};

/** Maximum number of levels per clip, including derivatives. This many levels take 128 MiB. */
const MOST_LEVELS = 2 ** 24;

interface Length {
  clipSeconds: number;
  hopMs: number;
  melBands: number;
  deltas?: number;
}

/** Whether the levels of a clip fit into memory. */
export function hasFewLevels({ clipSeconds, hopMs, melBands, deltas = 0 }: Length): boolean {
  return ((clipSeconds * 1000) / hopMs) * melBands * (1 + deltas) <= MOST_LEVELS;
}

export const TOO_MANY_LEVELS = {
  path: ['hopMs'],
  error: `a clip would have more than ${MOST_LEVELS.toLocaleString('en')} levels: use a longer hopMs, or shorter clips`,
};

/** Describes which derivatives, if any, the vectors contain in addition to the values themselves. */
export const describeDeltas = (deltas: number): string =>
  ['', ' and their first derivatives', ' and their first and second derivatives'][deltas];
