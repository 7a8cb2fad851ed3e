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
  /** Kind of rows of that feature set */
  produces: 'images' | 'vectors';
  /** For images: the decibels that their colours span; default: 120 */
  decibels?: number | undefined;
  /** Threads of one training process; float sums depend on it */
  threads: number;
  xla: boolean;
  /** Whether folds keep groups together */
  grouped: boolean;
}

/** An artifact that all folds of a trial read, computed once by a separate job. */
export interface Prerequisite {
  /** Name in logs */
  kind: string;
  /** Id of the job; equal prerequisites have equal ids across runs */
  id: string;
  /** Exists in the store once the job is done */
  artifact: string;
}

/** A whole-number parameter of a kind that a flag or a sweep may change. */
export interface Resource<P> {
  of(parameters: P): number;
  with(parameters: P, value: number): P;
}

/** Files next to the spec that an estimator needs. */
export interface SpecFiles<P> {
  /** Paths below the spec's folder */
  of(parameters: P): string[];
  /** @param hashes the sha256 of each path's content, which is then in the store */
  with(parameters: P, hashes: Record<string, string>): P;
  /** Names of the files in the store; undefined if the parameters name paths whose content was not read yet */
  stored(parameters: P): string[] | undefined;
}

/** Location of the values that a sweep may search. */
export interface Searched<P> {
  of(parameters: P): Record<string, unknown>;
  /** The entry with some of them replaced; it may be invalid */
  with(parameters: P, values: Readonly<Record<string, unknown>>): unknown;
}

/** Pretrained weights that a kind can start from. */
export interface Pretrained<P> {
  /** `random`, or the source of the weights */
  source(parameters: P): string;
  withSource(parameters: P, source: string): P;
  /**
   * Reads a weights file and checks that it fits.
   * @returns the number of its arrays
   * @throws CryfoldError WEIGHTS_INVALID
   */
  verify(path: string): Promise<number>;
}

/**
 * The complete definition of one kind of estimator. A new kind is one file that exports this object and one line in
 * registry.ts. Parameters, keys and costs are pure; the engine and the predictor are imported only in processes that
 * train or predict, so that a coordinator does not load a numerical library.
 */
export interface EstimatorKind<P extends { kind: string } = never> {
  readonly kind: string;
  /** An estimator's entry in a spec; strict, with `kind` as a literal */
  readonly parameters: z.ZodType<P>;
  readonly queue: FoldQueue | ((parameters: P) => FoldQueue);
  /** Whether its folds and models run programs named by a spec, which requires permission */
  readonly runsCommands?: boolean;
  /** Throws if the machine lacks a requirement for training. @throws CryfoldError such as TENSORFLOW_MISSING */
  checkRuntime?(): Promise<unknown>;
  /** Which feature sets it reads: RGB images, float vectors, or both */
  readonly reads: 'images' | 'vectors' | 'any';
  /** Minimum height and width of an image in pixels; default 1 */
  readonly smallestImage?: number;
  /** Whether it also reads a feature set of vectors, named by its parameter `vectors` */
  readonly readsVectors?: boolean;
  /**
   * Everything else that determines the bytes of a fold, besides data, features, indices, parameters and seed.
   * Undefined members do not affect the fold's key.
   */
  keyParts(settings: RunSettings): Record<string, unknown>;
  /** The parameters that determine the bytes of a fold; default: all of them */
  keyed?(parameters: P): object;
  /** Undefined for a kind without files next to the spec */
  readonly files?: SpecFiles<P>;
  /** Default: the members of the entry itself */
  readonly searched?: Searched<P>;
  prerequisite?(parameters: P, settings: RunSettings): Prerequisite | undefined;
  /** Names in the store, such as of artifacts other than the prerequisite, that garbage collection must keep */
  keeps?(parameters: P, featureKey: string): string[];
  /** Work of one fold, in a unit of this kind only */
  cost(parameters: P, trainClips: number): number;
  /** Identifies estimators that share the unit of `cost`; default: all estimators of this kind */
  unit?(parameters: P): string;
  /**
   * Seconds per unit of `cost` on one core of a server of the 2020s, without a GPU: for estimates before any fold was
   * trained, accurate to a factor of about 4. Undefined if it was not measured.
   */
  readonly typicalSeconds?: number;
  /** Undefined for a kind without epochs */
  readonly epochs?: Resource<P>;
  /**
   * A caveat to show with every figure of such an estimator, in a few words such as `random weights`; undefined if its
   * parameters do not need one.
   */
  caveat?(parameters: P): string | undefined;
  /** Undefined for a kind without pretrained weights */
  readonly pretrained?: Pretrained<P>;
  loadEngine(settings: EngineSettings): Promise<Engine<P>>;
  /** What the entry lacks so that its models can be kept; undefined (the default) if nothing is missing */
  lacksToKeep?(parameters: P): string | undefined;
  /**
   * Loads a trained model from the files written by the engine. Undefined for a kind without models to keep.
   * @param file reads one of them by name
   * @throws CryfoldError ARTIFACT_MISSING, ARTIFACT_CORRUPT
   */
  loadPredictor?(file: (name: string) => Uint8Array, settings: PredictorSettings): Promise<Predictor>;
}

// biome-ignore lint/suspicious/noExplicitAny: in a list, kinds of different parameters stand side by side
export type AnyKind = EstimatorKind<any>;
