import { maxPool } from '../ops/max-pool.js';
import { spatialMean } from '../ops/mean.js';
import type { Layer } from './layer.js';

export function maxPooling2D(name: string, size: number, stride = size): Layer {
  return { kind: 'MaxPooling2D', name, apply: (_, [x]) => maxPool(x, size, stride) };
}

/** [batch, height, width, channels] to [batch, channels]. */
export function globalAveragePooling2D(name: string): Layer {
  return { kind: 'GlobalAveragePooling2D', name, apply: (_, [x]) => spatialMean(x) };
}
