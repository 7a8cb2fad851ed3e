export { PredictionService, type PredictionServiceOptions } from './prediction-service.js';
