import { elementCount } from '../graph/graph.js';
import { reshape } from '../ops/reshape.js';
import type { Layer } from './layer.js';

/** Reshapes [batch, ...] to [batch, elements]. */
export function flatten(name: string): Layer {
  return {
    kind: 'Flatten',
    name,
    config: { data_format: 'channels_last' },
    apply: (_, [x]) => reshape(x, [x.shape[0], elementCount(x.shape.slice(1))]),
  };
}
