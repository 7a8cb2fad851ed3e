import type { StoreOperation } from '@cryfold/artifacts';
import type { EpochPoint, ErrorRecord, Estimator, ResNet50Parameters } from '@cryfold/core';

/** What a training child is asked to do. It reads inputs from the store and returns its result. */
export type Task =
  | {
      kind: 'fold';
      storeUrl: string;
      dataset: string;
      features: string;
      estimator: Estimator;
      train: number[];
      test: number[];
      seed: number;
      /** Whether inner folds keep groups whole, as the outer ones do */
      grouped: boolean;
      /** Whether the training rows' labels are shuffled among them: what is learnt from nothing */
      shuffled: boolean;
      /** Of the embeddings, where the backbone is frozen */
      embeddings: string | undefined;
      /** Where each epoch's state is kept, if the spec asks for it */
      checkpoint: string | undefined;
      /** Where the trained network goes, if the spec asks for it and its test log-loss is at most so much */
      model: { folder: string; atMost: number } | undefined;
      /** Where weights are kept between runs */
      cacheDir: string;
    }
  | { kind: 'distances'; storeUrl: string; features: string }
  | {
      kind: 'embeddings';
      storeUrl: string;
      features: string;
      estimator: ResNet50Parameters;
      artifact: string;
      cacheDir: string;
    };

/** Float64 matrix, row-major. */
export interface Matrix {
  rows: number;
  columns: number;
  data: Float64Array;
}

export interface FoldOutput {
  probabilities: Matrix;
  decisions?: Matrix;
  /** The files that the child has written */
  model?: { key: string; sha256: string }[];
  curve: EpochPoint[];
  /** Share of the test rows whose class was predicted */
  accuracy: number;
  environment: Record<string, string>;
}

export type ToChild = { id: number; task: Task };
export type FromChild =
  | { id: number; type: 'progress'; done: number; total: number; usage: Usage }
  | { id: number; type: 'epoch'; point: EpochPoint }
  | { id: number; type: 'done'; output: FoldOutput | undefined; usage: Usage }
  | { id: number; type: 'error'; error: ErrorRecord; usage: Usage };

/** What a child has used. */
export interface Usage {
  rssBytes: number;
  /** Since the child began */
  cpuSeconds: number;
  /** Store operations since the last message */
  operations: StoreOperation[];
}
