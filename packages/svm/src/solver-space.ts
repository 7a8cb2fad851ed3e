/**
 * A kernel matrix with the solver's state, and the two passes over a row that take nearly all of the solver's time.
 * Both implementations do the same floating-point operations in the same order, so they produce the same bytes.
 */
export interface SolverSpace {
  /** Row length of the kernel: even, and at least the number of rows */
  readonly stride: number;
  /** stride x stride */
  readonly kernel: Float64Array;
  /** stride elements; the state f of rows whose alpha * sign may rise, +Infinity for others */
  readonly rise: Float64Array;
  /** stride elements; the state f of rows whose alpha * sign may fall, -Infinity for others */
  readonly fall: Float64Array;
  /** `stride` elements: the diagonal of the kernel */
  readonly diagonal: Float64Array;
  /** Sets the row ranges that the passes visit: at most MAX_RUNS pairs of an even start and an even end, ascending. */
  setRuns(runs: readonly [number, number][]): void;
  /** The largest `fall` found by the last call to `choose` */
  high: number;
  /**
   * Given i with rise[i] = low, finds the j whose step with i decreases the objective most, by the second-order
   * estimate (fall[j] - low)^2 / (K_ii + K_jj - 2 K_ij). Ties go to the last row. Returns -1 if no fall exceeds low.
   */
  choose(i: number, low: number): number;
  /** Adds step * (K_i - K_j) to rise and fall. Returns the row with the smallest rise, the last one on ties. */
  update(i: number, j: number, step: number): number;
}

/**
 * Minimum curvature, LIBSVM's TAU. The curvature is not positive if the two rows are duplicates or the kernel is not
 * positive definite.
 */
export const TAU = 1e-12;
/** Maximum number of ranges. If there are more ranges, the solver joins neighbouring ones. */
export const MAX_RUNS = 256;

/** Rounds up to an even number, as the vector pass handles two rows at a time. */
export const evenRows = (rows: number) => rows + (rows % 2);

/** The passes in plain JavaScript, which are 3 times slower. Used as a fallback, and as the reference in tests. */
export function plainSpace(rows: number): SolverSpace {
  const stride = evenRows(rows);
  let ranges: readonly [number, number][] = [];
  const kernel = new Float64Array(stride * stride);
  const [rise, fall, diagonal] = [0, 0, 0].map(() => new Float64Array(stride));
  return {
    ...{ stride, kernel, rise, fall, diagonal, high: 0 },
    setRuns(runs) {
      ranges = runs;
    },
    choose(i, low) {
      const row = i * stride;
      let [high, best, j] = [-Infinity, 0, -1];
      for (const [from, to] of ranges) {
        for (let t = from; t < to; t++) {
          const value = fall[t];
          if (value > high) high = value;
          const gap = value - low;
          if (gap > 0) {
            const curvature = diagonal[i] + diagonal[t] - 2 * kernel[row + t];
            const gain = (gap * gap) / Math.max(curvature, TAU);
            if (gain >= best) {
              best = gain;
              j = t;
            }
          }
        }
      }
      this.high = high;
      return j;
    },
    update(i, j, step) {
      const [rowI, rowJ] = [i * stride, j * stride];
      let [low, next] = [Infinity, -1];
      for (const [from, to] of ranges) {
        for (let t = from; t < to; t++) {
          const delta = step * (kernel[rowI + t] - kernel[rowJ + t]);
          const value = rise[t] + delta;
          rise[t] = value;
          fall[t] += delta;
          if (value <= low) {
            low = value;
            next = t;
          }
        }
      }
      return next;
    },
  };
}
