export { type ComputedFeatures, computeFeatures } from './compute-features.js';
export { clipImage, type ImagerOptions, type ImageSize, SpectrogramImager } from './spectrogram.js';
