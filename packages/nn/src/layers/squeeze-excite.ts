import { knownSize } from '../graph/graph.js';
import { reshape as inShape } from '../ops/reshape.js';
import { scaleChannels } from '../ops/scale-channels.js';
import type { Layer } from './layer.js';

/** [batch, channels] to [batch, 1, 1, channels]. */
export function asPixel(name: string, channels: number): Layer {
  const config = { target_shape: [1, 1, channels] };
  return {
    kind: 'Reshape',
    name,
    config,
    apply: (_, [x]) => inShape(x, [x.shape[0], 1, 1, knownSize(x.shape, 1)]),
  };
}

/** Scales the channels of one layer's images by another layer's output [batch, 1, 1, channels]: Hu et al. (2018). */
export function excite(name: string, from: readonly [images: string, scale: string]): Layer {
  return { kind: 'Multiply', name, config: {}, from, apply: (_, [x, scale]) => scaleChannels(x, scale) };
}
