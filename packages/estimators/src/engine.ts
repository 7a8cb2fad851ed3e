import { CryfoldError, type EpochPoint } from '@cryfold/core';

/** Bytes by key; an `ArtifactStore` is one. */
export interface Artifacts {
  /** @returns undefined where nothing is stored under the key */
  get(key: string): Promise<Uint8Array | undefined>;
  /** @returns undefined where nothing is stored under the key */
  open(key: string): Promise<{ stream: AsyncIterable<Uint8Array> } | undefined>;
  put(key: string, bytes: Uint8Array): Promise<void>;
}

/** One row per clip, row-major: images are uint8 [clips, height, width, 3], vectors float32 [clips, columns]. */
export interface FeatureArray {
  shape: readonly number[];
  data: Uint8Array | Float32Array;
}

/** What every fold of a dataset and feature set has in common. The same object is passed for as long as it is valid. */
export interface TrainingData {
  classes: readonly string[];
  /** Class index of each clip */
  labels: Int32Array;
  /** Group of each clip */
  groups: readonly string[];
  /** Content key of the feature set */
  featureKey: string;
  /** Reads the feature set from the store; an engine that reads it in every fold keeps it */
  features(): Promise<FeatureArray>;
  /** Of images: the decibels that their colours span; default: 120 */
  decibels?: number | undefined;
  /** Reads the vectors that an estimator with `readsVectors` reads besides */
  vectors?: () => Promise<FeatureArray>;
}

/** Float64 matrix, row-major. */
export interface Matrix {
  rows: number;
  columns: number;
  data: Float64Array;
}

/** One fold: train on some clips, predict others. */
export interface Fold<P> {
  parameters: P;
  /** Clip indices */
  train: Int32Array;
  /** Clip indices; none where a model is trained on all clips */
  test: Int32Array;
  /** Class index of each clip to learn from: the data's labels, or with those of the training clips shuffled */
  labels: Int32Array;
  seed: number;
  /** Whether inner folds must keep groups whole, as the outer ones do */
  grouped: boolean;
  /** The artifact that the kind's `prerequisite` named */
  prerequisite: string | undefined;
  /** Where the state after an epoch is kept, for an estimator with epochs; absent: nowhere */
  checkpoint: Checkpoint | undefined;
  /** Whether `model` of the outcome may be called */
  keepModel: boolean;
}

/** Where the state of a training is kept, from which another attempt resumes with the same result. */
export interface Checkpoint {
  key: string;
  /** It is kept where the training is expected to take longer than this; absent: after each epoch */
  afterSeconds?: number;
}

/** The files of a trained model, by name. */
export type ModelFiles = Iterable<readonly [string, Uint8Array]>;

export interface FoldOutcome {
  /** Test clips x classes; rows sum to 1 */
  probabilities: Matrix;
  /** Test clips x classes, where the estimator predicts by something else than its probabilities */
  decisions?: Matrix;
  /** Empty for an estimator without epochs */
  curve: EpochPoint[];
  /**
   * What the figures depend on besides the fold, such as the version of a library; under `FOLD_NOTE`, half a sentence on
   * what was done otherwise than asked
   */
  environment: Record<string, string>;
  /** Encodes the trained model; called at most once, before the next fold. */
  model?: () => Promise<ModelFiles> | ModelFiles;
}

export interface EngineContext {
  data: TrainingData;
  artifacts: Artifacts;
  /** Folder that keeps downloads between runs */
  cacheDirectory: string;
  onProgress: (done: number, total: number) => void;
  onEpoch: (point: EpochPoint) => void;
  /** Names the process group that the engine has started, and undefined once it has ended */
  onGroup?: (id: number | undefined) => void;
}

/** Trains folds of one estimator kind in a process of its own, one at a time. */
export interface Engine<P> {
  /** @throws CryfoldError of class `input` where the same fold fails again */
  fit(fold: Fold<P>, context: EngineContext): Promise<FoldOutcome>;
  /** Computes and stores what the kind's `prerequisite` named. */
  prepare?(parameters: P, artifact: string, context: EngineContext): Promise<void>;
}

/** What is fixed for the life of a training process. */
export interface EngineSettings {
  /** Threads of one training process */
  threads: number;
  /** Whether TensorFlow compiles graphs with XLA */
  xla?: boolean;
  /** The only GPU that the process sees */
  gpu?: string;
  /** What the process may use, MiB; default: anything */
  maxMemoryMb?: number;
}

/** Rows x classes, row-major. */
export interface Prediction {
  /** Rows sum to 1 */
  probabilities: Float64Array;
  decisions?: Float64Array;
}

/** Predicts with one trained model. */
export interface Predictor {
  /**
   * @param features rows like those that the model was trained on, `count` of them
   * @param vectors of an estimator with `readsVectors`: the same clips' vectors
   */
  predict(features: FeatureArray['data'], count: number, vectors?: FeatureArray['data']): Promise<Prediction>;
}

export interface PredictorSettings {
  /** What a process that predicts may use, MiB; default: anything */
  maxMemoryMb?: number | undefined;
}

/** The key of an artifact that belongs to a feature set. */
export function featureArtifact(featureKey: string, file: string): string {
  return `features/${featureKey}/${file}`;
}

/** @throws CryfoldError ARTIFACT_MISSING */
export async function readArtifact(artifacts: Artifacts, key: string): Promise<Uint8Array> {
  const bytes = await artifacts.get(key);
  if (bytes) return bytes;
  throw new CryfoldError('ARTIFACT_MISSING', `${key} is not in the store`, {
    context: { key },
    hint: 'Run the same command again: it recomputes what is missing.',
  });
}
