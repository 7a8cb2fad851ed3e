import type { Spec } from './spec-schema.js';

/** Inner folds of a nested fusion if no search sets the number: the default of a nested search. */
const INNER_FOLDS = 4;

/** How many folds each outer fold's training clips are split into; undefined if the spec has nothing nested. */
export function innerFoldsOf({ search, fusion }: Pick<Spec, 'search' | 'fusion'>): number | undefined {
  return search?.nested?.inner ?? (Object.values(fusion).some(({ nested }) => nested) ? INNER_FOLDS : undefined);
}

/** The members of nested fusions: each is also trained on the inner folds. */
export function nestedMembers({ fusion }: Pick<Spec, 'fusion'>): Set<string> {
  return new Set(Object.values(fusion).flatMap(({ nested, members }) => (nested ? members : [])));
}
