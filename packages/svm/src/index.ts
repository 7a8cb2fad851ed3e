export { type DistanceMatrix, type PixelMoments, pixelMoments, squaredDistances } from './distances.js';
export { fitPredictSvm, type SvmProblem, type SvmResult } from './fit-predict.js';
