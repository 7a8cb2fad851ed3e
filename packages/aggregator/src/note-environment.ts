import { FOLD_NOTE } from '@cryfold/core';

/** Different values that are listed of a name: a program may report one that differs in each fold. */
const LISTED = 10;

/** Adds what a fold was trained with to what all folds of a run were: its values by name, joined where they differ. */
export function noteEnvironment(all: Record<string, string>, trial: string, fold: Record<string, string>): void {
  for (const [name, value] of Object.entries(fold)) {
    if (name === 'host' || name === FOLD_NOTE) continue;
    const key = `${trial}.${name}`;
    const listed = all[key]?.split(' | ') ?? [];
    if (listed.includes(value) || listed.length > LISTED) continue;
    all[key] = [...listed, listed.length < LISTED ? value : '...'].join(' | ');
  }
}
