import { canonicalJson } from '@cryfold/core';
import { type Estimator, estimatorSchema, searchedOf, withSearched } from '@cryfold/estimators';
import type { SearchParameter } from '@cryfold/plan';

/** Searched parameters of one estimator, by name. */
export type Space = Readonly<Record<string, SearchParameter>>;
/** The parameters that were chosen for one trial, without those whose condition is not met. */
export type Parameters = Record<string, unknown>;

/** Number of significant digits of a chosen value. More digits would only make tables hard to read. */
const DIGITS = 4;

function between(low: number, high: number, value: number): number {
  return Math.min(high, Math.max(low, Number(value.toPrecision(DIGITS))));
}

/** Maps u in [0, 1) to a value of a parameter. Choices and integers get equal shares of [0, 1). */
export function valueAt(parameter: SearchParameter, u: number): unknown {
  if ('choice' in parameter) return parameter.choice[Math.floor(u * parameter.choice.length)];
  if ('uniform' in parameter) {
    const [low, high] = parameter.uniform;
    return between(low, high, low + u * (high - low));
  }
  if ('log' in parameter) {
    const [low, high] = parameter.log;
    return between(low, high, low * (high / low) ** u);
  }
  const [low, high] = parameter.int;
  return low + Math.floor(u * (high - low + 1));
}

/** Returns the values that a grid tries, including both ends of a range. */
function gridValues(parameter: SearchParameter): unknown[] {
  if ('choice' in parameter) return parameter.choice;
  if ('int' in parameter) {
    const [low, high] = parameter.int;
    const steps = Math.min(parameter.steps ?? high - low + 1, high - low + 1);
    return Array.from({ length: steps }, (_, i) => Math.round(low + (i * (high - low)) / (steps - 1)));
  }
  const steps = parameter.steps ?? 2;
  const [low, high] = 'log' in parameter ? parameter.log : parameter.uniform;
  return Array.from({ length: steps }, (_, i) => {
    const share = i / (steps - 1);
    return between(low, high, 'log' in parameter ? low * (high / low) ** share : low + share * (high - low));
  });
}

/** Removes parameters whose condition is not met by the other parameters or by the spec. */
export function applyConditions(space: Space, base: Estimator, all: Parameters): Parameters {
  const fixed = searchedOf(base);
  return Object.fromEntries(
    Object.entries(all).filter(([name]) =>
      Object.entries(space[name].when ?? {}).every(([other, allowed]) => {
        const value = Object.hasOwn(all, other) ? all[other] : fixed[other];
        return Array.isArray(allowed) ? allowed.some((one) => one === value) : allowed === value;
      }),
    ),
  );
}

/** Returns the estimator of a trial: the spec's estimator with the chosen parameters. */
export function trialEstimator(base: Estimator, parameters: Parameters): Estimator {
  return estimatorSchema.parse(withSearched(base, parameters));
}

/** Returns a key that is equal for estimators that train in the same way. */
export function identity(base: Estimator, parameters: Parameters): string {
  return canonicalJson(trialEstimator(base, parameters));
}

/** Returns every distinct cell of the grid; the last parameter varies fastest. */
export function gridCells(space: Space, base: Estimator): Parameters[] {
  let cells: Parameters[] = [{}];
  for (const [name, parameter] of Object.entries(space)) {
    cells = cells.flatMap((cell) => gridValues(parameter).map((value) => ({ ...cell, [name]: value })));
  }
  const distinct = new Map<string, Parameters>();
  for (const cell of cells) {
    const chosen = applyConditions(space, base, cell);
    const id = identity(base, chosen);
    if (!distinct.has(id)) distinct.set(id, chosen);
  }
  return [...distinct.values()];
}

/** Returns the number of trials of a grid. */
export function gridSize(space: Space, base: Estimator): number {
  return gridCells(space, base).length;
}
