import { dropout as drop, dropImages } from '../ops/dropout.js';
import type { Layer } from './layer.js';

/** In training, zeros a share `rate` of the elements and scales the others up; otherwise the identity. */
export function dropout(name: string, rate: number): Layer {
  return {
    kind: 'Dropout',
    name,
    config: { rate },
    apply: (context, [x]) => (context.training && rate > 0 ? drop(x, rate, context.seed()) : x),
  };
}

/** Like `dropout`, for whole images: skips the branch of a residual block. [batch, height, width, channels]. */
export function imageDropout(name: string, rate: number): Layer {
  return {
    kind: 'Dropout',
    name,
    config: { rate, noise_shape: [null, 1, 1, 1] },
    apply: (context, [x]) => (context.training && rate > 0 ? dropImages(x, rate, context.seed()) : x),
  };
}
