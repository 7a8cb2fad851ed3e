import type { ErrorRecord } from '@cryfold/core';
import type { ModelCard, PredictOptions, RecordingPrediction } from '@cryfold/model-registry';
import type { Recording } from './spool.js';

/** Location of the model that a child process must load. */
export type ModelSource = { storeUrl: string; name: string; version: string } | { folder: string };

/** File descriptor of the spool in the child, after standard input, output, error and the IPC channel. */
export const SPOOL_DESCRIPTOR = 4;

export type ToChild =
  | { type: 'load'; source: ModelSource; allowCommands: boolean }
  | { type: 'predict'; recordings: Recording[]; options: PredictOptions };

export type FromChild =
  | { type: 'ready'; card: ModelCard }
  | { type: 'failed'; error: ErrorRecord }
  | { type: 'done'; predictions: RecordingPrediction[] }
  | { type: 'error'; error: ErrorRecord };
