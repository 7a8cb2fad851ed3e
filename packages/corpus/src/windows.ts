import { CryfoldError } from '@cryfold/core';
import { SampleBuffer } from './audio/sample-buffer.js';

/**
 * If `shortClips` is not set, recordings shorter than this share of a clip cause an error, and other short ones are
 * padded.
 */
const SHORTEST = 0.5;

/**
 * Maximum length, in samples, of a clip that `pad` fills with zeros. Needed because a header can contain any sampling
 * rate.
 */
const LONGEST_PADDED = 2 ** 27;

/** How to treat recordings shorter than a clip. */
const SHORT_CLIPS = ['pad', 'drop', 'error'] as const;

export interface CutOptions {
  /** Length of a clip in seconds */
  clipSeconds: number;
  /** Seconds from the start of one clip to the next; default: the length of a clip */
  hopSeconds?: number | undefined;
  /**
   * `pad` fills every recording shorter than a clip with zeros at its end, `drop` skips it, and `error` rejects it. By
   * default, a recording of at least half a clip is padded, and a shorter one is rejected.
   */
  shortClips?: (typeof SHORT_CLIPS)[number] | undefined;
}

export interface Window {
  /** First sample in the recording */
  start: number;
  /** Number of samples, including zeros at the end */
  samples: Float64Array;
  /** Whether all samples before the padding are equal */
  silent: boolean;
}

/**
 * Cuts a recording into clips from its start while its samples arrive. By default, clips do not overlap, and a
 * remainder at the end that is shorter than a clip is dropped. The clips can be read only once.
 */
export class Windows {
  /** Number of samples in a clip, `round(rate * clipSeconds)` */
  readonly length: number;
  readonly #audio: { rate: number; blocks: AsyncIterable<Float64Array> };
  readonly #name: string;
  readonly #options: CutOptions;
  #total = 0;

  /** @param name shown in messages */
  constructor(audio: { rate: number; blocks: AsyncIterable<Float64Array> }, options: CutOptions, name: string) {
    this.length = Math.round(audio.rate * options.clipSeconds);
    this.#audio = audio;
    this.#name = name;
    this.#options = options;
  }

  /** Position in samples */
  get total(): number {
    return this.#total;
  }

  /**
   * @throws CryfoldError CLIP_SHORT; CLIP_SILENT at the end if all windows are silent; also any error that occurs while
   * the recording is read
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<Window> {
    const { length } = this;
    const hop = hopOf(this.#audio.rate, length, this.#options.hopSeconds);
    const buffer = new SampleBuffer(this.#audio.blocks);
    let sound = false;
    for (let i = 0, start = 0; ; start = Math.round(++i * hop)) {
      const own = await buffer.part(start, Math.max(1, length));
      this.#total = buffer.total;
      if (own.length < length || length < 1) {
        if (i > 0) break;
        this.#checkShort(own.length);
      }
      const silent = own.every((sample) => sample === own[0]);
      sound ||= !silent;
      yield { start, silent, samples: filled(own, length) };
      if (own.length < length) break;
    }
    if (!sound) throw silence(this.#name, 'the recording');
  }

  #checkShort(samples: number): void {
    const { clipSeconds, shortClips } = this.#options;
    const { rate } = this.#audio;
    const least = shortClips === undefined ? SHORTEST : shortClips === 'pad' && this.length <= LONGEST_PADDED ? 0 : 1;
    if (this.length >= 1 && samples >= least * this.length) return;
    const seconds = (samples / rate).toPrecision(3);
    const than = shortClips === undefined ? 'half a clip' : 'a clip';
    throw new CryfoldError('CLIP_SHORT', `${this.#name}: lasts ${seconds} s, less than ${than} of ${clipSeconds} s`, {
      context: { file: this.#name, samples, rate },
      hint: 'Set shortClips to pad or drop in the spec, use a shorter clipSeconds (`cryfold data inspect` suggests one), or remove the file.',
    });
  }
}

/**
 * Returns the number of windows, including silent ones, in a recording with this number of samples, without reading it.
 * The arguments are as for `Windows`.
 */
export function countWindows(
  { rate, frames }: { rate: number; frames: number },
  { clipSeconds, hopSeconds }: CutOptions,
): number {
  const length = Math.round(rate * clipSeconds);
  const hop = hopOf(rate, length, hopSeconds);
  // Starts are rounded half up.
  return Math.max(1, Math.ceil((frames - length + 0.5) / hop));
}

/**
 * Returns the distance in samples from the start of one clip to the next. It is at least 1, and it is not rounded, so
 * that starts do not drift.
 */
function hopOf(rate: number, length: number, hopSeconds?: number): number {
  return Math.max(1, hopSeconds === undefined ? length : rate * hopSeconds);
}

/** Returns the samples if there are enough, otherwise a copy padded with zeros. */
export function filled(samples: Float64Array, length: number): Float64Array {
  if (samples.length === length) return samples;
  const padded = new Float64Array(length);
  padded.set(samples);
  return padded;
}

export function silence(name: string, what: string): CryfoldError {
  return new CryfoldError('CLIP_SILENT', `${name}: ${what} is silent: all its samples are equal`, {
    context: { clip: name },
    hint: 'Remove it, or pass --skip-bad to skip such files.',
  });
}
