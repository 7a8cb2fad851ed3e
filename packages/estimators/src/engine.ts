import { CryfoldError, type EpochPoint } from '@cryfold/core';

/** Reads bytes by key; `ArtifactStore` implements this interface. */
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

/** The input that all folds of a dataset and feature set share. The same object is passed as long as it is valid. */
export interface TrainingData {
  classes: readonly string[];
  /** Class index of each clip */
  labels: Int32Array;
  /** Group of each clip */
  groups: readonly string[];
  /** Content key of the feature set */
  featureKey: string;
  /** Reads the feature set from the store. An engine that needs the features in every fold should keep them */
  features(): Promise<FeatureArray>;
  /** For images: the range of decibels that their colours cover; default: 120 */
  decibels?: number | undefined;
  /** Reads the additional vectors for an estimator with `readsVectors` */
  vectors?: () => Promise<FeatureArray>;
}

/** A row-major matrix of float64. */
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
  /**
   * The class index to learn for each clip: the data's labels, except that the labels of training clips may be shuffled
   */
  labels: Int32Array;
  seed: number;
  /** Whether inner folds must keep groups together, like the outer folds */
  grouped: boolean;
  /** Key of the artifact that the kind's `prerequisite` describes */
  prerequisite: string | undefined;
  /** Where to store the state after an epoch, for an estimator with epochs; if absent, the state is not stored */
  checkpoint: Checkpoint | undefined;
  /** Whether the caller may call the outcome's `model` */
  keepModel: boolean;
}

/** Where to store the state of training. Another attempt that resumes from that state gets the same result. */
export interface Checkpoint {
  key: string;
  /** Store the state only if training is expected to take longer than this; if absent, store it after each epoch */
  afterSeconds?: number;
}

/** The files of a trained model, by name. */
export type ModelFiles = Iterable<readonly [string, Uint8Array]>;

export interface FoldOutcome {
  /** Probabilities, test clips x classes; rows sum to 1 */
  probabilities: Matrix;
  /** Test clips x classes, if classes are predicted by values other than probabilities */
  decisions?: Matrix;
  /** Learning curve; empty for an estimator without epochs */
  curve: EpochPoint[];
  /**
   * What the results depend on besides the fold, such as the version of a library. The member `FOLD_NOTE` describes in
   * half a sentence how the training differed from what was requested
   */
  environment: Record<string, string>;
  /** Encodes the trained model. Called at most once, and before the next fold. */
  model?: () => Promise<ModelFiles> | ModelFiles;
}

export interface EngineContext {
  data: TrainingData;
  artifacts: Artifacts;
  /** Folder for downloads that are kept between runs */
  cacheDirectory: string;
  onProgress: (done: number, total: number) => void;
  onEpoch: (point: EpochPoint) => void;
  /** Called with the process group that the engine has started, and with undefined once its program has exited */
  onGroup?: (id: number | undefined) => void;
}

/** Trains folds of one estimator kind in a separate process, one at a time. */
export interface Engine<P> {
  /** @throws CryfoldError of class `input` if the same fold would fail again */
  fit(fold: Fold<P>, context: EngineContext): Promise<FoldOutcome>;
  /** Computes and stores the artifact that the kind's `prerequisite` describes. */
  prepare?(parameters: P, artifact: string, context: EngineContext): Promise<void>;
}

/** Settings that stay fixed for the lifetime of a training process. */
export interface EngineSettings {
  /** Number of threads of one training process */
  threads: number;
  /** Whether TensorFlow compiles graphs with XLA */
  xla?: boolean;
  /** The only GPU that is visible to the process */
  gpu?: string;
  /** Memory limit of the process in MiB; default: unlimited */
  maxMemoryMb?: number;
}

/** Row-major matrices, rows x classes. */
export interface Prediction {
  /** Rows sum to 1 */
  probabilities: Float64Array;
  decisions?: Float64Array;
}

/** Predicts with one trained model. */
export interface Predictor {
  /**
   * @param features `count` rows like those that the model was trained on
   * @param vectors for an estimator with `readsVectors`: the vectors of the same clips
   */
  predict(features: FeatureArray['data'], count: number, vectors?: FeatureArray['data']): Promise<Prediction>;
}

export interface PredictorSettings {
  /** Memory limit of a predicting process in MiB; default: unlimited */
  maxMemoryMb?: number | undefined;
}

/** Returns the key of an artifact that is computed from a feature set. */
export function featureArtifact(featureKey: string, file: string): string {
  return `features/${featureKey}/${file}`;
}

/** @throws CryfoldError ARTIFACT_MISSING */
export async function readArtifact(artifacts: Artifacts, key: string): Promise<Uint8Array> {
  const bytes = await artifacts.get(key);
  if (bytes) return bytes;
  throw new CryfoldError('ARTIFACT_MISSING', `${key} is not in the store`, {
    context: { key },
    hint: 'Run the same command again to recompute what is missing.',
  });
}
