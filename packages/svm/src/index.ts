export { type DistanceMatrix, type PixelMoments, pixelMoments, squaredDistances } from './distances.js';
export { fitSvm, predictFit, type SvmFit, type TrainingProblem } from './fit.js';
export { fitPredictSvm, type SvmProblem, type SvmResult } from './fit-predict.js';
export { type GridCell, type GridProblem, svmGrid } from './grid.js';
export type { Kernel } from './kernel.js';
export { type MlSvmModel, toMlSvm } from './ml-svm.js';
export { decodeModel, encodeModel, exportModel, SvmPredictor } from './model.js';
export type { SvmParameters } from './parameters.js';
export type { SvmModel, SvmModelFiles } from './svm-model.js';
