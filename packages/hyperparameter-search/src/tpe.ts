import type { Random } from '@cryfold/core';
import type { SearchParameter } from '@cryfold/plan';
import type { Parameters, Space } from './space.js';
import { valueAt } from './space.js';

/** A finished or running trial; larger `score` is better. A running trial has no score and counts as bad. */
export interface Observation {
  parameters: Parameters;
  score: number | undefined;
}

/** Number of candidates to draw from the density of good trials. The most promising one is used. */
const CANDIDATES = 24;

/** Number of trials that count as good: a tenth, at most 25, as in Optuna. */
const good = (count: number) => Math.min(Math.ceil(0.1 * count), 25);

/**
 * Proposes parameters with the tree-structured Parzen estimator. Draws candidates from the density of good trials, and
 * returns the one for which this density is largest relative to the density of the other trials. Each parameter is
 * modelled separately. Running trials count as bad, so that concurrent trials differ from each other. Source: Bergstra,
 * Bardenet, Bengio, Kegl, "Algorithms for hyper-parameter optimization" (NeurIPS 2011); widths and prior as in Optuna's
 * default.
 */
export function proposeTpe(space: Space, observations: readonly Observation[], random: Random): Parameters {
  const scored = observations.filter(({ score }) => score !== undefined).sort((a, b) => b.score! - a.score!);
  const best = scored.slice(0, good(scored.length));
  const rest = [...scored.slice(best.length), ...observations.filter(({ score }) => score === undefined)];
  const chosen: Parameters = {};
  for (const [name, parameter] of Object.entries(space)) {
    const values = (of: readonly Observation[]) =>
      of.flatMap(({ parameters: p }) => (Object.hasOwn(p, name) ? [p[name]] : []));
    chosen[name] =
      'choice' in parameter
        ? proposeChoice(parameter.choice, values(best), values(rest), random)
        : proposeNumber(parameter, values(best) as number[], values(rest) as number[], random);
  }
  return chosen;
}

/** Probability of each choice. The prior is one additional observation, spread evenly over all choices. */
function shares(choices: readonly unknown[], seen: readonly unknown[]): number[] {
  const text = choices.map((choice) => JSON.stringify(choice));
  const counts = new Array<number>(choices.length).fill(1 / choices.length);
  for (const value of seen) counts[text.indexOf(JSON.stringify(value))]++;
  return counts.map((count) => count / (seen.length + 1));
}

function proposeChoice(choices: readonly unknown[], best: unknown[], rest: unknown[], random: Random): unknown {
  const [l, g] = [shares(choices, best), shares(choices, rest)];
  let chosen = 0;
  let ratio = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < CANDIDATES; i++) {
    let u = random.uniform();
    let index = 0;
    while (index < choices.length - 1 && u >= l[index]) u -= l[index++];
    if (l[index] / g[index] > ratio) [chosen, ratio] = [index, l[index] / g[index]];
  }
  return choices[chosen];
}

type Numeric = Exclude<SearchParameter, { choice: unknown }>;

/** Maps a value to [0, 1]; the inverse of `valueAt` up to rounding. */
function positionOf(parameter: Numeric, value: number): number {
  if ('uniform' in parameter) return (value - parameter.uniform[0]) / (parameter.uniform[1] - parameter.uniform[0]);
  if ('log' in parameter) return Math.log(value / parameter.log[0]) / Math.log(parameter.log[1] / parameter.log[0]);
  return (value - parameter.int[0] + 0.5) / (parameter.int[1] - parameter.int[0] + 1);
}

function proposeNumber(parameter: Numeric, best: number[], rest: number[], random: Random): unknown {
  const l = new Parzen(best.map((value) => positionOf(parameter, value)));
  const g = new Parzen(rest.map((value) => positionOf(parameter, value)));
  let chosen = 0;
  let ratio = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < CANDIDATES; i++) {
    const u = l.sample(random);
    const difference = Math.log(l.density(u)) - Math.log(g.density(u));
    if (difference > ratio) [chosen, ratio] = [u, difference];
  }
  return valueAt(parameter, chosen);
}

/**
 * Normal distributions around the observations, and one wide normal distribution as a prior. Each is truncated to [0,
 * 1], and all have equal weight.
 */
class Parzen {
  readonly #means: number[];
  readonly #widths: number[];
  /** Share of each normal distribution that is within [0, 1] */
  readonly #masses: number[];

  constructor(observed: readonly number[]) {
    const sorted = [...observed, 0.5].sort((a, b) => a - b);
    const prior = sorted.indexOf(0.5);
    const least = 1 / Math.min(100, 1 + sorted.length);
    this.#means = sorted;
    // Each width is the distance to the farther neighbour. The first and the last observation have only one neighbour.
    this.#widths = sorted.map((mean, i) => {
      if (i === prior) return 1;
      const left = i > 0 ? mean - sorted[i - 1] : Number.NEGATIVE_INFINITY;
      const right = i < sorted.length - 1 ? sorted[i + 1] - mean : Number.NEGATIVE_INFINITY;
      return Math.min(1, Math.max(least, left, right));
    });
    this.#masses = sorted.map(
      (mean, i) => normalCdf((1 - mean) / this.#widths[i]) - normalCdf(-mean / this.#widths[i]),
    );
  }

  sample(random: Random): number {
    const i = random.below(this.#means.length);
    for (let tries = 0; tries < 100; tries++) {
      const value = random.normal(this.#means[i], this.#widths[i]);
      if (value >= 0 && value < 1) return value;
    }
    return Math.min(1 - Number.EPSILON, Math.max(0, this.#means[i]));
  }

  density(u: number): number {
    let sum = 0;
    for (let i = 0; i < this.#means.length; i++) {
      const z = (u - this.#means[i]) / this.#widths[i];
      sum += Math.exp(-0.5 * z * z) / (this.#widths[i] * this.#masses[i]);
    }
    return sum / (this.#means.length * Math.sqrt(2 * Math.PI));
  }
}

/** Accurate to 1.5e-7 (Abramowitz and Stegun 7.1.26). */
function normalCdf(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * x);
  const poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  const tail = 0.5 * poly * Math.exp(-x * x);
  return z > 0 ? 1 - tail : tail;
}
