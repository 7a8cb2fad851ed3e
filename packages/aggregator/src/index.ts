export { Aggregator, type AggregatorOptions, aggregate } from './aggregator.js';
export { type EvaluatedStored, evaluateStored } from './evaluate-stored.js';
export { readRun, type StoredRun } from './read-run.js';
