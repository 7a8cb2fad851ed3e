import { FOLD_NOTE } from '@cryfold/core';

/** Maximum number of values to list per name, since a program may report a different value in each fold. */
const LISTED = 10;

/**
 * Merges a fold's environment into its run's environment. If folds report different values under the same name, lists
 * all of them.
 */
export function noteEnvironment(all: Record<string, string>, trial: string, fold: Record<string, string>): void {
  for (const [name, value] of Object.entries(fold)) {
    if (name === 'host' || name === FOLD_NOTE) continue;
    const key = `${trial}.${name}`;
    const listed = all[key]?.split(' | ') ?? [];
    if (listed.includes(value) || listed.length > LISTED) continue;
    all[key] = [...listed, listed.length < LISTED ? value : '...'].join(' | ');
  }
}
