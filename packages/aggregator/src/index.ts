export { Aggregator, type AggregatorOptions, aggregate } from './aggregator.js';
export { type EvaluatedStored, evaluateStored } from './evaluate-stored.js';
export { readPredictions, type StoredPredictions } from './read-predictions.js';
export { readRun, type StoredRun } from './read-run.js';
