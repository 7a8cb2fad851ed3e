import { padImage } from '../ops/pad.js';
import type { Layer } from './layer.js';

export function zeroPadding2D(name: string, margin: number): Layer {
  const sides = [margin, margin];
  const config = { padding: [sides, sides], data_format: 'channels_last' };
  return { kind: 'ZeroPadding2D', name, config, apply: (_, [x]) => padImage(x, margin) };
}
