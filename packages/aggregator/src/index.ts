export { Aggregator, type AggregatorOptions } from './aggregator.js';
export { type EvaluatedStored, evaluateStored } from './evaluate-stored.js';
export { readRun, type StoredRun } from './read-run.js';
