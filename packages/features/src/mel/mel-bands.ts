import { CryfoldError } from '@cryfold/core';

/** Slaney's mel scale: linear below 1 kHz, 66.7 Hz per mel, and logarithmic above. */
const HZ_PER_MEL = 200 / 3;
const BREAK_HZ = 1000;
const BREAK_MEL = BREAK_HZ / HZ_PER_MEL;
const LOG_STEP = Math.log(6.4) / 27;

const melOf = (hz: number): number =>
  hz < BREAK_HZ ? hz / HZ_PER_MEL : BREAK_MEL + Math.log(hz / BREAK_HZ) / LOG_STEP;

const hzOf = (mel: number): number =>
  mel < BREAK_MEL ? mel * HZ_PER_MEL : BREAK_HZ * Math.exp(LOG_STEP * (mel - BREAK_MEL));

/** A triangular filter, stored as the weights of consecutive bins, starting at bin `first`. */
export interface MelBand {
  first: number;
  weights: Float64Array;
}

export interface MelOptions {
  /** Sampling rate in Hz */
  rate: number;
  /** Transform length in samples */
  size: number;
  /** Number of bands */
  bands: number;
  /** Start of the lowest band, Hz */
  fmin: number;
  /** End of the highest band, Hz; at most half the rate, which is the default */
  fmax?: number;
}

/**
 * Returns triangular filters of equal width on the mel scale and of unit area, like librosa.filters.mel with its
 * defaults.
 * @throws CryfoldError SPEC_INVALID if fmin and fmax do not suit the rate, or a band falls between two bins
 */
export function melBands({ rate, size, bands, fmin, fmax = rate / 2 }: MelOptions): MelBand[] {
  if (fmin >= fmax || fmax > rate / 2) {
    throw new CryfoldError('SPEC_INVALID', `mel bands from ${fmin} to ${fmax} Hz do not fit recordings of ${rate} Hz`, {
      context: { fmin, fmax, rate },
      hint: 'Choose fmin below fmax, and fmax no higher than half the sampling rate of any recording.',
    });
  }
  const [low, high] = [melOf(fmin), melOf(fmax)];
  const edges = Array.from({ length: bands + 2 }, (_, i) => hzOf(low + ((high - low) * i) / (bands + 1)));
  return Array.from({ length: bands }, (_, band) => {
    const [from, peak, to] = edges.slice(band, band + 3);
    const weightAt = (bin: number) => {
      const hz = (bin * rate) / size;
      return Math.max(0, Math.min((hz - from) / (peak - from), (to - hz) / (to - peak))) * (2 / (to - from));
    };
    const first = Math.floor((from * size) / rate);
    const last = Math.min(size / 2, Math.ceil((to * size) / rate));
    const weights = Float64Array.from({ length: last - first + 1 }, (_, i) => weightAt(first + i));
    if (weights.some((weight) => weight > 0)) return { first, weights };
    throw new CryfoldError('SPEC_INVALID', `mel band ${band + 1} of ${bands} contains no frequency of the spectrum`, {
      context: { bands, band: band + 1, rate, size },
      hint: 'Use fewer mel bands (melBands) or longer frames (frameMs).',
    });
  });
}
