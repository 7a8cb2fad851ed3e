import { add as sum } from '../ops/add.js';
import type { Layer } from './layer.js';

/** The sum of two layers' outputs. */
export function add(name: string, from: readonly [string, string]): Layer {
  return { kind: 'Add', name, config: {}, from, apply: (_, [a, b]) => sum(a, b) };
}
