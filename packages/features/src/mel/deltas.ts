import { CryfoldError } from '@cryfold/core';
import type { Series } from './log-mel.js';

/** Number of frames that one derivative uses: librosa's default. */
const WIDTH = 9;
const HALF = (WIDTH - 1) / 2;

/**
 * Savitzky-Golay filters: they fit a line or a parabola to WIDTH frames, and return the line's first derivative and the
 * parabola's second derivative.
 */
const FILTERS = [1, 2].map((order) => {
  const offsets = Array.from({ length: WIDTH }, (_, i) => i - HALF);
  const sum = (power: number) => offsets.reduce((total, x) => total + x ** power, 0);
  if (order === 1) return offsets.map((x) => x / sum(2));
  const determinant = WIDTH * sum(4) - sum(2) ** 2;
  return offsets.map((x) => (2 * (WIDTH * x * x - sum(2))) / determinant);
});

/**
 * Appends the first and second time derivatives of each row as further rows of a series, like librosa.feature.delta
 * with its defaults. The first and last four frames get the derivatives of the nearest complete window.
 * @param orders number of derivatives: 0, 1 or 2
 * @throws CryfoldError SPEC_INVALID if the series is shorter than a window
 */
export function withDeltas(series: Series, orders: number): Series {
  const { rows, frames, data } = series;
  if (orders === 0) return series;
  if (frames < WIDTH) {
    throw new CryfoldError('SPEC_INVALID', `a clip has ${frames} frames; deltas need ${WIDTH}`, {
      context: { frames },
      hint: 'Use longer clips (clipSeconds), a smaller hopMs, or deltas: 0.',
    });
  }
  const out = new Float64Array((1 + orders) * data.length);
  out.set(data);
  for (let order = 1; order <= orders; order++) {
    const filter = FILTERS[order - 1];
    for (let row = 0; row < rows; row++) {
      const to = order * data.length + row * frames;
      for (let frame = 0; frame < frames; frame++) {
        const first = Math.min(Math.max(frame, HALF), frames - 1 - HALF) - HALF;
        let sum = 0;
        for (let i = 0; i < WIDTH; i++) sum += filter[i] * data[row * frames + first + i];
        out[to + frame] = sum;
      }
    }
  }
  return { rows: (1 + orders) * rows, frames, data: out };
}
