import { CryfoldError } from '@cryfold/core';
import type { Wav } from './wav.js';

/** A recording shorter than this share of a clip is an error; from here to a whole clip it is padded with zeros. */
const SHORTEST = 0.5;

export interface CutWindows {
  /** of each window in samples, `round(rate * clipSeconds)` */
  length: number;
  /** In order; `start` is the first sample in the recording. Views of its samples, or padded copies. */
  windows: { start: number; samples: Float64Array }[];
  /** first samples of windows that were left out, since all their samples are equal */
  silent: number[];
}

/**
 * Cuts a recording from its start into clips: without `hop` one after the other, as training does, so that the rest at
 * the end, shorter than a clip, is dropped. A recording of half a clip or more but less than one becomes one clip,
 * padded with zeros at its end.
 * @param name what to call the recording in messages
 * @param hopSeconds from one start to the next; default: a clip's length
 * @throws CryfoldError CLIP_SHORT; CLIP_SILENT where no window has sound
 */
export function cutWindows({ samples, rate }: Wav, clipSeconds: number, name: string, hopSeconds?: number): CutWindows {
  const length = Math.round(rate * clipSeconds);
  if (length < 1 || samples.length < SHORTEST * length) {
    const seconds = (samples.length / rate).toPrecision(3);
    throw new CryfoldError('CLIP_SHORT', `${name}: lasts ${seconds} s, less than half a clip of ${clipSeconds} s`, {
      context: { file: name, samples: samples.length, rate },
      hint: 'Remove it, or pass --skip-bad to leave such files out.',
    });
  }
  const hop = hopOf(rate, length, hopSeconds);
  const cut: CutWindows = { length, windows: [], silent: [] };
  for (let i = 0, start = 0; i === 0 || start + length <= samples.length; start = Math.round(++i * hop)) {
    const own = samples.subarray(start, start + length);
    if (own.every((sample) => sample === own[0])) cut.silent.push(start);
    else cut.windows.push({ start, samples: cutClip(samples, start, length) });
  }
  if (cut.windows.length === 0) throw silence(name, 'the recording');
  return cut;
}

/** Windows that `cutWindows` makes of a recording, the silent ones too, without making them. Arguments as there. */
export function countWindows({ samples, rate }: Wav, clipSeconds: number, hopSeconds?: number): number {
  const length = Math.round(rate * clipSeconds);
  const hop = hopOf(rate, length, hopSeconds);
  // Starts are rounded, halves upwards.
  return Math.max(1, Math.ceil((samples.length - length + 0.5) / hop));
}

/** At least a sample; not rounded, so that starts do not drift. */
function hopOf(rate: number, length: number, hopSeconds?: number): number {
  return Math.max(1, hopSeconds === undefined ? length : rate * hopSeconds);
}

/** A view of the recording where it is long enough, else a copy padded with zeros. */
export function cutClip(samples: Float64Array, start: number, length: number): Float64Array {
  const view = samples.subarray(start, start + length);
  if (view.length === length) return view;
  const padded = new Float64Array(length);
  padded.set(view);
  return padded;
}

export function silence(name: string, what: string): CryfoldError {
  return new CryfoldError('CLIP_SILENT', `${name}: ${what} is silent: all its samples are equal`, {
    context: { clip: name },
    hint: 'Remove it, or pass --skip-bad to leave such files out.',
  });
}
