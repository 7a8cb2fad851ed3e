import type { EpochPoint, ErrorRecord } from '@cryfold/core';
import type { Checkpoint, Estimator, Matrix } from '@cryfold/estimators';
import type { StoreOperation } from '@cryfold/store';

/** What a training child is asked to do. It reads inputs from the store and returns its result. */
export type Task = FoldTask | PrepareTask;

/** What every task of a trial reads. */
export interface TaskInputs {
  storeUrl: string;
  dataset: string;
  features: string;
  /** Of the vectors that the estimator reads besides */
  vectors?: string | undefined;
  /** Of images: the decibels that their colours span; default: 120 */
  decibels?: number | undefined;
  estimator: Estimator;
  /** Where weights are kept between runs */
  cacheDir: string;
}

export interface FoldTask extends TaskInputs {
  kind: 'fold';
  train: number[];
  test: number[];
  seed: number;
  /** Whether inner folds keep groups whole, as the outer ones do */
  grouped: boolean;
  /** Whether the training rows' labels are shuffled among them: the baseline of learning from nothing */
  shuffled: boolean;
  /** The artifact that all folds of the trial read, if any */
  prerequisite: string | undefined;
  /** Where the state after an epoch is kept, if at all */
  checkpoint: Checkpoint | undefined;
  /** Where the trained model goes, if the spec asks for it and its test log-loss is at most so much */
  model: { folder: string; atMost: number } | undefined;
}

/** Computes and stores what all folds of a trial read. */
export interface PrepareTask extends TaskInputs {
  kind: 'prepare';
  artifact: string;
}

export interface FoldOutput {
  probabilities: Matrix;
  decisions?: Matrix;
  /** The files that the child has written */
  model?: { key: string; sha256: string }[];
  curve: EpochPoint[];
  /** Share of the test rows whose class was predicted; undefined where there is no test row */
  accuracy?: number | undefined;
  environment: Record<string, string>;
}

export type ToChild = { id: number; task: Task };
export type FromChild =
  | { id: number; type: 'progress'; done: number; total: number; usage: Usage }
  | { id: number; type: 'epoch'; point: EpochPoint }
  /** The process group that the task has started; undefined once it has ended */
  | { id: number; type: 'group'; group: number | undefined }
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
