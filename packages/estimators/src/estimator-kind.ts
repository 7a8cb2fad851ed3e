import type { z } from 'zod';
import type { Engine, EngineSettings, Predictor, PredictorSettings } from './engine.js';

/** The queue whose workers train a kind: `gpu` for networks, `cpu` for kinds that do not benefit from a GPU. */
export type FoldQueue = 'gpu' | 'cpu';

/** Settings of a run for all of its estimators. */
export interface RunSettings {
  /** Content key of the feature set that the estimator reads */
  featureKey: string;
  /** Content key of the additional vectors, if it reads any */
  vectorsKey?: string | undefined;
  /** Whether the feature set that the estimator reads consists of images or vectors */
  produces: 'images' | 'vectors';
  /** For images: the range of decibels that their colours cover; default: 120 */
  decibels?: number | undefined;
  /** Number of threads of one training process; it can affect floating-point sums */
  threads: number;
  xla: boolean;
  /** Whether folds keep groups together */
  grouped: boolean;
}

/** An artifact that all folds of a trial read. A separate job computes it once. */
export interface Prerequisite {
  /** Name in logs */
  kind: string;
  /** Id of the job. Equal prerequisites have equal ids, even in different runs */
  id: string;
  /** Key that exists in the store once the job is done */
  artifact: string;
}

/** An integer parameter of a kind that a flag or a sweep may change. */
export interface Resource<P> {
  of(parameters: P): number;
  with(parameters: P, value: number): P;
}

/** Files in the spec's folder that an estimator reads. */
export interface SpecFiles<P> {
  /** Paths within the spec's folder */
  of(parameters: P): string[];
  /**
   * Returns the parameters with files identified by their content. @param hashes the sha256 of the content at each
   * path; the content is in the store by then
   */
  with(parameters: P, hashes: Record<string, string>): P;
  /** Names of the files in the store; undefined if the parameters contain paths whose content has not been read yet */
  stored(parameters: P): string[] | undefined;
}

/** Access to the values that a sweep may search. */
export interface Searched<P> {
  of(parameters: P): Record<string, unknown>;
  /** Returns the entry with some values replaced; the result may be invalid */
  with(parameters: P, values: Readonly<Record<string, unknown>>): unknown;
}

/** Pretrained weights from which a kind can start. */
export interface Pretrained<P> {
  /** `random`, or where the weights come from */
  source(parameters: P): string;
  withSource(parameters: P, source: string): P;
  /**
   * Reads a weights file and checks that it fits the estimator.
   * @returns the number of its arrays
   * @throws CryfoldError WEIGHTS_INVALID
   */
  verify(path: string): Promise<number>;
}

/**
 * The complete definition of one kind of estimator. To add a kind, write a file that exports this object and add a line
 * to registry.ts. Parameters, keys and costs are pure functions. The engine and the predictor are imported only in
 * processes that train or predict, so that coordinators need not load a numerical library.
 */
export interface EstimatorKind<P extends { kind: string } = never> {
  readonly kind: string;
  /** Schema of the estimator's entry in a spec; strict, with `kind` as a literal */
  readonly parameters: z.ZodType<P>;
  readonly queue: FoldQueue | ((parameters: P) => FoldQueue);
  /** Whether its folds and models run programs that a spec specifies, which requires permission */
  readonly runsCommands?: boolean;
  /** Throws if the machine lacks something that training needs. @throws CryfoldError such as TENSORFLOW_MISSING */
  checkRuntime?(): Promise<unknown>;
  /** Which feature sets it can read: RGB images, float vectors, or both */
  readonly reads: 'images' | 'vectors' | 'any';
  /** Minimum height and width of an image in pixels; default 1 */
  readonly smallestImage?: number;
  /** Whether it also reads a feature set of vectors, which its parameter `vectors` specifies */
  readonly readsVectors?: boolean;
  /**
   * Everything that determines the bytes of a fold, besides data, features, indices, parameters and seed. Undefined
   * members do not affect the fold's key.
   */
  keyParts(settings: RunSettings): Record<string, unknown>;
  /** The parameters that determine the bytes of a fold; default: all parameters */
  keyed?(parameters: P): object;
  /** Undefined for a kind that does not read files from the spec's folder */
  readonly files?: SpecFiles<P>;
  /** If undefined, a sweep searches the members of the entry itself */
  readonly searched?: Searched<P>;
  prerequisite?(parameters: P, settings: RunSettings): Prerequisite | undefined;
  /** Names of artifacts that garbage collection must keep in addition to the prerequisite */
  keeps?(parameters: P, featureKey: string): string[];
  /** Amount of work for one fold, in a unit that is specific to this kind */
  cost(parameters: P, trainClips: number): number;
  /** Estimators with the same value share the unit of `cost`; default: all estimators of this kind */
  unit?(parameters: P): string;
  /**
   * Seconds per unit of `cost` on one core of a server built in the 2020s, without a GPU. Used for estimates before any
   * fold has been trained, and accurate to a factor of about 4. Undefined if it has not been measured.
   */
  readonly typicalSeconds?: number;
  /** Undefined for a kind without epochs */
  readonly epochs?: Resource<P>;
  /**
   * A caveat of a few words to show with every figure of an estimator of this kind, such as `random weights`; undefined
   * if its parameters need no caveat.
   */
  caveat?(parameters: P): string | undefined;
  /** Undefined for a kind without pretrained weights */
  readonly pretrained?: Pretrained<P>;
  loadEngine(settings: EngineSettings): Promise<Engine<P>>;
  /**
   * Returns what the entry must still contain for its models to be kept; undefined (the default) if nothing is missing
   */
  lacksToKeep?(parameters: P): string | undefined;
  /**
   * Loads a trained model from the files written by the engine. Undefined for a kind whose models cannot be kept.
   * @param file reads one of these files by name
   * @throws CryfoldError ARTIFACT_MISSING, ARTIFACT_CORRUPT
   */
  loadPredictor?(file: (name: string) => Uint8Array, settings: PredictorSettings): Promise<Predictor>;
}

// biome-ignore lint/suspicious/noExplicitAny: a list contains kinds with different parameters
export type AnyKind = EstimatorKind<any>;
