import type { EpochPoint, ErrorRecord } from '@cryfold/core';
import type { Checkpoint, Estimator, Matrix } from '@cryfold/estimators';
import type { StoreOperation } from '@cryfold/store';

/** A task for a training child, which reads inputs from the store and sends back its result. */
export type Task = FoldTask | PrepareTask;

/** Inputs that all tasks of a trial share. */
export interface TaskInputs {
  storeUrl: string;
  dataset: string;
  features: string;
  /** Key of the additional vectors that the estimator reads */
  vectors?: string | undefined;
  /** Range in decibels that the colours of the images represent; default: 120 */
  decibels?: number | undefined;
  estimator: Estimator;
  /** Cache folder for weights */
  cacheDir: string;
}

export interface FoldTask extends TaskInputs {
  kind: 'fold';
  train: number[];
  test: number[];
  seed: number;
  /** Whether inner folds keep groups together, as outer folds do */
  grouped: boolean;
  /** Whether to shuffle the labels of the training rows, as a baseline */
  shuffled: boolean;
  /** The artifact that all folds of the trial read, if there is one */
  prerequisite: string | undefined;
  /** Where to save checkpoints, if at all */
  checkpoint: Checkpoint | undefined;
  /** Where to save the trained model, if the spec asks for it and its test log-loss is at most `atMost` */
  model: { folder: string; atMost: number } | undefined;
}

/** Computes and stores a prerequisite of all folds of a trial. */
export interface PrepareTask extends TaskInputs {
  kind: 'prepare';
  artifact: string;
}

export interface FoldOutput {
  probabilities: Matrix;
  decisions?: Matrix;
  /** Files that the child has written */
  model?: { key: string; sha256: string }[];
  curve: EpochPoint[];
  /** Accuracy on the test rows; undefined without test rows */
  accuracy?: number | undefined;
  environment: Record<string, string>;
}

export type ToChild = { id: number; task: Task };
export type FromChild =
  | { id: number; type: 'progress'; done: number; total: number; usage: Usage }
  | { id: number; type: 'epoch'; point: EpochPoint }
  /** A process group that the task has started; undefined once it has ended */
  | { id: number; type: 'group'; group: number | undefined }
  | { id: number; type: 'done'; output: FoldOutput | undefined; usage: Usage }
  | { id: number; type: 'error'; error: ErrorRecord; usage: Usage };

/** Resource usage of a child. */
export interface Usage {
  rssBytes: number;
  /** Since the child started */
  cpuSeconds: number;
  /** The child's store operations since its last message */
  operations: StoreOperation[];
}
