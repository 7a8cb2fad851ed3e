import type { Spec } from './spec-schema.js';

/**
 * Number of inner folds of a nested fusion, unless a search specifies another number. A nested search has the same
 * default.
 */
const INNER_FOLDS = 4;

/**
 * Returns the number of inner folds into which the training clips of each outer fold are split; undefined if nothing in
 * the spec is nested.
 */
export function innerFoldsOf({ search, fusion }: Pick<Spec, 'search' | 'fusion'>): number | undefined {
  return search?.nested?.inner ?? (Object.values(fusion).some(({ nested }) => nested) ? INNER_FOLDS : undefined);
}

/** Returns the members of nested fusions. These members are also trained on the inner folds. */
export function nestedMembers({ fusion }: Pick<Spec, 'fusion'>): Set<string> {
  return new Set(Object.values(fusion).flatMap(({ nested, members }) => (nested ? members : [])));
}
