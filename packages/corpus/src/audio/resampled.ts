import { CryfoldError } from '@cryfold/core';

/**
 * The lowest and the highest sampling rate in Hz that libsamplerate supports, and the largest supported ratio of two
 * rates.
 */
const LOWEST = 1;
const HIGHEST = 192_000;
const LARGEST_RATIO = 256;
/** Number of samples converted at a time. The output must fit into 4 MiB of float32. */
const PIECE = 2048;

/** `resampled` preserves all frequencies up to this share of half the lower rate. */
export const RESAMPLED_KEEPS = 0.92;

interface Signal {
  /** Hz */
  rate: number;
  /** Number of samples, if it is known before they are read */
  frames?: number;
  blocks: AsyncIterable<Float64Array>;
}

type Converter = Awaited<ReturnType<typeof import('@alexanderolsen/libsamplerate-js').create>>;

/** Each converter has its own WebAssembly memory, so the last converter is reused if the rates are the same. */
let free: Converter | undefined;

/**
 * Resamples a mono signal with libsamplerate's best sinc converter, in pieces. Keeps frequencies below 92 % of half the
 * lower rate (`RESAMPLED_KEEPS`), and removes those above half the lower rate. The result is aligned with the signal
 * and has the same duration, to within half a sample.
 * @param target Hz
 * @param name name of the recording, for messages
 * @throws CryfoldError RATE_UNKNOWN for unsupported rates
 */
export function resampled(signal: Signal, target: number, name: string): Signal {
  const { rate, frames } = signal;
  const ratio = target / rate;
  const possible = [rate, target].every((hertz) => hertz >= LOWEST && hertz <= HIGHEST);
  if (!possible || ratio > LARGEST_RATIO || ratio < 1 / LARGEST_RATIO) {
    throw new CryfoldError('RATE_UNKNOWN', `${name}: ${rate} Hz cannot be converted to ${target} Hz`, {
      context: { file: name, rate, target },
      hint: `Resample the recording with: sox IN -r ${target} OUT.wav`,
    });
  }
  const converted = { rate: target, blocks: convert(signal, target) };
  return frames === undefined ? converted : { ...converted, frames: Math.round(frames * ratio) };
}

async function* convert({ rate, blocks }: Signal, target: number): AsyncGenerator<Float64Array> {
  const converter = await take(rate, target);
  try {
    let read = 0;
    let given = 0;
    for await (const block of blocks) {
      for (let start = 0; start < block.length; start += PIECE) {
        const piece = converter.full(Float32Array.from(block.subarray(start, start + PIECE)));
        given += piece.length;
        yield Float64Array.from(piece);
      }
      read += block.length;
    }
    // The converter holds back as many samples as its kernel needs; feeding it silence flushes them.
    const zeros = new Float32Array(PIECE);
    for (const total = Math.round((read * target) / rate); given < total; ) {
      const piece = converter.full(zeros).subarray(0, total - given);
      given += piece.length;
      yield Float64Array.from(piece);
    }
  } finally {
    if (free) converter.destroy();
    else free = converter;
  }
}

/** Returns a converter that has not processed any samples since its last reset. */
async function take(rate: number, target: number): Promise<Converter> {
  const known = free;
  free = undefined;
  if (known?.inputSampleRate === rate && known.outputSampleRate === target) {
    // Setting the rate also resets the history.
    known.outputSampleRate = target;
    return known;
  }
  known?.destroy();
  const { default: library } = await import('@alexanderolsen/libsamplerate-js');
  return library.create(1, rate, target, { converterType: library.ConverterType.SRC_SINC_BEST_QUALITY });
}
