export { type ComputedFeatures, computeFeatures } from './compute-features.js';
export { clipImage, type ImagerOptions, type ImageSize, type SoxOptions, SpectrogramImager } from './spectrogram.js';
