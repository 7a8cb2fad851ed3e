/** Window functions of sox's spectrogram that cryfold supports. */
export const SOX_WINDOWS = ['hann', 'hamming', 'bartlett', 'rectangular'] as const;
export type SoxWindow = (typeof SOX_WINDOWS)[number];

/** The value of the window at a position from 0 to 1. */
const SHAPES: Record<SoxWindow, (place: number) => number> = {
  hann: (place) => 0.5 - 0.5 * Math.cos(2 * Math.PI * place),
  hamming: (place) => 0.53836 - 0.46164 * Math.cos(2 * Math.PI * place),
  bartlett: (place) => 1 - Math.abs(2 * place - 1),
  rectangular: () => 1,
};

export interface WindowOptions {
  shape: SoxWindow;
  /** Samples per frame */
  frame: number;
  /** Length of the window in samples, from 1 to `frame` */
  length: number;
  /** Whether the clip ends before the frame does. If so, sox's sum of the window includes the point after the clip */
  cut: boolean;
}

/**
 * Returns `frame` weights: the window over `length` samples, then zeros. They are scaled so that a tone at full scale
 * has 0 dB.
 */
export function soxWindow({ shape, frame, length, cut }: WindowOptions): Float64Array {
  // Images in existing stores were computed with this formula. The general formula rounds differently, but images with
  // the same key must be equal to the last bit.
  if (shape === 'hann') {
    const scale = (4 * length) / (frame * frame);
    return Float64Array.from({ length: frame }, (_, i) =>
      i < length ? scale * (0.5 - 0.5 * Math.cos((2 * Math.PI * i) / length)) : 0,
    );
  }
  const weights = Float64Array.from({ length: frame }, (_, i) => (i < length ? SHAPES[shape](i / length) : 0));
  const sum = weights.reduce((total, weight) => total + weight, cut ? SHAPES[shape](1) : 0);
  const scale = (2 / sum) * (length / frame) ** 2;
  return weights.map((weight) => scale * weight);
}

/**
 * Returns the sum of the weights of a complete frame before scaling, in samples. This is sox's maximum distance between
 * frames.
 */
export function windowSum(shape: SoxWindow, frame: number): number {
  let sum = 0;
  for (let i = 0; i < frame; i++) sum += SHAPES[shape](i / frame);
  return sum;
}
