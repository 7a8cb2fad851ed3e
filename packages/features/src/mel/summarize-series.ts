import { summarize } from '../functionals.js';
import { withDeltas } from './deltas.js';
import type { Series } from './log-mel.js';

export interface Summary {
  /** Number of time derivatives to add to the rows: 0, 1 or 2 */
  deltas: number;
  functionals: readonly string[];
}

/**
 * Summarises a clip as one vector: for each functional, the rows, followed by their first and second derivatives.
 * @throws CryfoldError SPEC_INVALID if the clip has too few frames for derivatives
 */
export function summarizeSeries(series: Series, { deltas, functionals }: Summary): Float32Array {
  const { rows, frames, data } = withDeltas(series, deltas);
  const out = new Float32Array(rows * functionals.length);
  for (let row = 0; row < rows; row++) {
    summarize(data.slice(row * frames, (row + 1) * frames), functionals).forEach((value, i) => {
      out[i * rows + row] = value;
    });
  }
  return out;
}
