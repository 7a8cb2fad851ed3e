export { type CardMetrics, decodeCard, type ModelCard } from './card.js';
export { type CardHeadline, evaluationText, headlineOf, headlineText } from './card-headline.js';
export { cardText, refitted } from './card-text.js';
export { type LikenessRule, learnLikeness, unlikeness } from './likeness.js';
export { checkModelAllowed, type LoadOptions } from './members.js';
export { predictionHead, predictionJson, recordingJson } from './prediction-json.js';
export {
  type Classified,
  ModelPredictor,
  type PredictOptions,
  type RecordingPrediction,
  type WindowPrediction,
} from './predictor.js';
export { type ReadModel, readModelFolder, readStoredModel } from './read-model.js';
export { checkModelName, MODEL_NAME, ModelRegistry, modelKeys, type Promotion, promotionSchema } from './registry.js';
export { type RetrainRecord, readLastRetrain, retrainRecordSchema } from './retrain-record.js';
export { modelOf, type NewVersion, writeVersion } from './write-version.js';
