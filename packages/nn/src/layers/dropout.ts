import { dropout as drop, dropImages } from '../ops/dropout.js';
import type { Layer } from './layer.js';

/** In training, sets a share `rate` of the elements to zero and scales the others up; otherwise the identity. */
export function dropout(name: string, rate: number): Layer {
  return {
    kind: 'Dropout',
    name,
    config: { rate },
    apply: (context, [x]) => (context.training && rate > 0 ? drop(x, rate, context.seed()) : x),
  };
}

/**
 * Like `dropout`, but drops whole images, which skips the branch of a residual block. [batch, height, width, channels].
 */
export function imageDropout(name: string, rate: number): Layer {
  return {
    kind: 'Dropout',
    name,
    config: { rate, noise_shape: [null, 1, 1, 1] },
    apply: (context, [x]) => (context.training && rate > 0 ? dropImages(x, rate, context.seed()) : x),
  };
}
