import type { ErrorRecord } from '@cryfold/core';
import type { ModelCard, PredictOptions, RecordingPrediction } from '@cryfold/models';

/** Where a child finds the model that it answers with. */
export type ModelSource = { storeUrl: string; name: string; version: string } | { folder: string };

export interface Recording {
  name: string;
  /** Of a WAV file */
  bytes: Uint8Array;
}

export type ToChild =
  | { type: 'load'; source: ModelSource }
  | { type: 'predict'; id: number; recordings: Recording[]; options: PredictOptions };

export type FromChild =
  | { type: 'ready'; card: ModelCard }
  | { type: 'failed'; error: ErrorRecord }
  | { type: 'done'; id: number; predictions: RecordingPrediction[] }
  | { type: 'error'; id: number; error: ErrorRecord };
