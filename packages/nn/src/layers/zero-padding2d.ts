import { padImage } from '../ops/pad.js';
import type { Layer } from './layer.js';

export function zeroPadding2D(name: string, margin: number): Layer {
  return { kind: 'ZeroPadding2D', name, apply: (_, [x]) => padImage(x, margin) };
}
