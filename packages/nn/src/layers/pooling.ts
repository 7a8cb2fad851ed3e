import { maxPool } from '../ops/max-pool.js';
import { spatialMean } from '../ops/mean.js';
import type { Layer } from './layer.js';

export function maxPooling2D(name: string, size: number, stride = size): Layer {
  const config = {
    pool_size: [size, size],
    strides: [stride, stride],
    padding: 'valid',
    data_format: 'channels_last',
  };
  return { kind: 'MaxPooling2D', name, config, apply: (_, [x]) => maxPool(x, size, stride) };
}

/** [batch, height, width, channels] to [batch, channels]. */
export function globalAveragePooling2D(name: string): Layer {
  const config = { data_format: 'channels_last' };
  return { kind: 'GlobalAveragePooling2D', name, config, apply: (_, [x]) => spatialMean(x) };
}
