/** The probability of the positive class is 1 / (1 + exp(slope * decision + offset)); slope is usually negative. */
export interface Sigmoid {
  slope: number;
  offset: number;
}

/** Numerically stable in both tails (Lin, Lin, Weng 2007, section 3). */
export function sigmoidProbability({ slope, offset }: Sigmoid, decision: number): number {
  const x = slope * decision + offset;
  return x >= 0 ? Math.exp(-x) / (1 + Math.exp(-x)) : 1 / (1 + Math.exp(x));
}

/**
 * Platt scaling: maximum likelihood with Platt's targets (positives + 1) / (positives + 2) and 1 / (negatives + 2),
 * by Newton's method with backtracking.
 * Source: Lin, Lin, Weng, "A note on Platt's probabilistic outputs for support vector machines", Machine Learning 68
 * (2007), appendix 3, with its constants.
 * @param decisions held-out decision values, n
 * @param signs +1 or -1, n
 */
export function fitSigmoid(decisions: Float64Array, signs: Int8Array): Sigmoid {
  const n = decisions.length;
  const positives = signs.reduce((count, sign) => count + (sign > 0 ? 1 : 0), 0);
  const high = (positives + 1) / (positives + 2);
  const low = 1 / (n - positives + 2);
  const targets = Float64Array.from(signs, (sign) => (sign > 0 ? high : low));
  /** Computes the negative log-likelihood in a form that avoids overflow and cancellation. */
  const loss = (slope: number, offset: number) => {
    let sum = 0;
    for (let k = 0; k < n; k++) {
      const x = slope * decisions[k] + offset;
      sum += x >= 0 ? targets[k] * x + Math.log1p(Math.exp(-x)) : (targets[k] - 1) * x + Math.log1p(Math.exp(x));
    }
    return sum;
  };
  let slope = 0;
  let offset = Math.log((n - positives + 1) / (positives + 1));
  let value = loss(slope, offset);
  for (let iteration = 0; iteration < 100; iteration++) {
    let [h11, h22, h21, g1, g2] = [1e-12, 1e-12, 0, 0, 0];
    for (let k = 0; k < n; k++) {
      const p = sigmoidProbability({ slope, offset }, decisions[k]);
      const curvature = p * (1 - p);
      h11 += decisions[k] * decisions[k] * curvature;
      h22 += curvature;
      h21 += decisions[k] * curvature;
      g1 += decisions[k] * (targets[k] - p);
      g2 += targets[k] - p;
    }
    if (Math.abs(g1) < 1e-5 && Math.abs(g2) < 1e-5) break;
    const determinant = h11 * h22 - h21 * h21;
    const d1 = -(h22 * g1 - h21 * g2) / determinant;
    const d2 = -(h11 * g2 - h21 * g1) / determinant;
    const descent = g1 * d1 + g2 * d2;
    let step = 1;
    for (; step >= 1e-10; step /= 2) {
      const next = loss(slope + step * d1, offset + step * d2);
      if (next < value + 1e-4 * step * descent) {
        slope += step * d1;
        offset += step * d2;
        value = next;
        break;
      }
    }
    if (step < 1e-10) break; // no descent is possible in floating point, so this is the minimum
  }
  return { slope, offset };
}
