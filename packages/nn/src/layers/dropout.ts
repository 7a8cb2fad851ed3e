import { dropout as drop } from '../ops/dropout.js';
import type { Layer } from './layer.js';

/** In training zeros a share `rate` of the elements and scales the others up; otherwise the identity. */
export function dropout(name: string, rate: number): Layer {
  return {
    kind: 'Dropout',
    name,
    config: { rate },
    apply: (context, [x]) => (context.training && rate > 0 ? drop(x, rate, context.seed()) : x),
  };
}
