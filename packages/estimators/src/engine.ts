import { CryfoldError, type EpochPoint } from '@cryfold/core';

/** Bytes by key; an `ArtifactStore` is one. */
export interface Artifacts {
  /** @returns undefined if the key does not exist */
  get(key: string): Promise<Uint8Array | undefined>;
  /** @returns undefined if the key does not exist */
  open(key: string): Promise<{ stream: AsyncIterable<Uint8Array> } | undefined>;
  put(key: string, bytes: Uint8Array): Promise<void>;
}

/** One row per clip, row-major: images are uint8 [clips, height, width, 3], vectors float32 [clips, columns]. */
export interface FeatureArray {
  shape: readonly number[];
  data: Uint8Array | Float32Array;
}

/** Common input of all folds of a dataset and feature set. The same object is passed as long as it is valid. */
export interface TrainingData {
  classes: readonly string[];
  /** Class index of each clip */
  labels: Int32Array;
  /** Group of each clip */
  groups: readonly string[];
  /** Content key of the feature set */
  featureKey: string;
  /** Reads the feature set from the store; an engine that needs it in every fold keeps it */
  features(): Promise<FeatureArray>;
  /** For images: the decibels that their colours span; default: 120 */
  decibels?: number | undefined;
  /** Reads the additional vectors for an estimator with `readsVectors` */
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
  /** Clip indices; empty if a model is trained on all clips */
  test: Int32Array;
  /** Class index of each clip to learn from: the data's labels, or with those of the training clips shuffled */
  labels: Int32Array;
  seed: number;
  /** Whether inner folds must keep groups together, as the outer ones do */
  grouped: boolean;
  /** The artifact named by the kind's `prerequisite` */
  prerequisite: string | undefined;
  /** Where to store the state after an epoch, for an estimator with epochs; absent: not stored */
  checkpoint: Checkpoint | undefined;
  /** Whether `model` of the outcome may be called */
  keepModel: boolean;
}

/** Stores the state of a training, from which another attempt resumes with the same result. */
export interface Checkpoint {
  key: string;
  /** The state is stored if the training is expected to take longer than this; absent: after each epoch */
  afterSeconds?: number;
}

/** The files of a trained model, by name. */
export type ModelFiles = Iterable<readonly [string, Uint8Array]>;

export interface FoldOutcome {
  /** Test clips x classes; rows sum to 1 */
  probabilities: Matrix;
  /** Test clips x classes, if the estimator predicts by values other than its probabilities */
  decisions?: Matrix;
  /** Empty for an estimator without epochs */
  curve: EpochPoint[];
  /**
   * Facts other than the fold that the results depend on, such as the version of a library; under `FOLD_NOTE`, half a
   * sentence about deviations from the request
   */
  environment: Record<string, string>;
  /** Encodes the trained model; called at most once, before the next fold. */
  model?: () => Promise<ModelFiles> | ModelFiles;
}

export interface EngineContext {
  data: TrainingData;
  artifacts: Artifacts;
  /** Folder for downloads that are kept between runs */
  cacheDirectory: string;
  onProgress: (done: number, total: number) => void;
  onEpoch: (point: EpochPoint) => void;
  /** Called with the process group that the engine has started, and with undefined once it has ended */
  onGroup?: (id: number | undefined) => void;
}

/** Trains folds of one estimator kind in its own process, one at a time. */
export interface Engine<P> {
  /** @throws CryfoldError of class `input` if the same fold would fail again */
  fit(fold: Fold<P>, context: EngineContext): Promise<FoldOutcome>;
  /** Computes and stores the artifact named by the kind's `prerequisite`. */
  prepare?(parameters: P, artifact: string, context: EngineContext): Promise<void>;
}

/** Settings that are fixed for the lifetime of a training process. */
export interface EngineSettings {
  /** Threads of one training process */
  threads: number;
  /** Whether TensorFlow compiles graphs with XLA */
  xla?: boolean;
  /** The only GPU that the process sees */
  gpu?: string;
  /** Memory limit of the process, MiB; default: unlimited */
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
   * @param vectors for an estimator with `readsVectors`: the same clips' vectors
   */
  predict(features: FeatureArray['data'], count: number, vectors?: FeatureArray['data']): Promise<Prediction>;
}

export interface PredictorSettings {
  /** Memory limit of a predicting process, MiB; default: unlimited */
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
