import { concatColumns } from '../ops/concat.js';
import type { Layer } from './layer.js';

/** The concatenated columns of two layers' outputs. */
export function concatenate(name: string, from: readonly [string, string]): Layer {
  return { kind: 'Concatenate', name, config: { axis: -1 }, from, apply: (_, [a, b]) => concatColumns(a, b) };
}
