import { deriveSeed, Random } from '@cryfold/core';
import type { Estimator } from '@cryfold/estimators';
import type { SearchSpec } from '@cryfold/plan';
import { Halton } from './halton.js';
import { applyConditions, gridCells, identity, type Parameters, type Space, valueAt } from './space.js';
import { type Observation, proposeTpe } from './tpe.js';

/** Number of quasi-random trials before TPE has enough data to learn from; Optuna's default. */
const STARTUP = 10;

/** Number of unsuccessful draws after which a space is considered exhausted. */
const PATIENCE = 200;

export interface Proposing {
  search: Pick<SearchSpec, 'algorithm' | 'trials'>;
  space: Space;
  base: Estimator;
  /** The same seed always leads to the same proposals */
  seed: number;
  /** Trials of the same search, in the order in which they started */
  earlier: readonly Observation[];
}

/**
 * Proposes up to `count` sets of parameters, each of which differs from all earlier ones. Returns fewer if the search
 * has reached its number of trials, or if no new parameters are found.
 */
export function propose({ search, space, base, seed, earlier }: Proposing, count: number): Parameters[] {
  const seen = new Set(earlier.map(({ parameters }) => identity(base, parameters)));
  const room = search.algorithm === 'grid' ? Number.POSITIVE_INFINITY : search.trials - earlier.length;
  const found: Parameters[] = [];
  const take = (all: Parameters): void => {
    const parameters = applyConditions(space, base, all);
    const id = identity(base, parameters);
    if (seen.has(id)) return;
    seen.add(id);
    found.push(parameters);
  };
  const wanted = () => found.length < Math.min(count, room);
  if (search.algorithm === 'grid') {
    for (const cell of gridCells(space, base)) if (wanted()) take(cell);
    return found;
  }
  if (search.algorithm === 'tpe' && earlier.length >= STARTUP) {
    for (let draw = 0; draw < PATIENCE && wanted(); draw++) {
      const random = new Random(deriveSeed(seed, 'tpe', earlier.length, draw));
      take(proposeTpe(space, [...earlier, ...found.map((parameters) => ({ parameters, score: undefined }))], random));
    }
    return found;
  }
  const names = Object.keys(space);
  const halton = new Halton(names.length, seed);
  for (let index = 0; index < earlier.length + PATIENCE && wanted(); index++) {
    const point = halton.point(index);
    take(Object.fromEntries(names.map((name, d) => [name, valueAt(space[name], point[d])])));
  }
  return found;
}
