import type { z } from 'zod';
import type { Engine, EngineSettings, Predictor, PredictorSettings } from './engine.js';

/** The queue whose workers train a kind: `gpu` for networks, `cpu` for what does not profit from a GPU. */
export type FoldQueue = 'gpu' | 'cpu';

/** What a run decides for all of its estimators. */
export interface RunSettings {
  /** Content key of the feature set that the estimator reads */
  featureKey: string;
  /** Of the vectors that it reads besides, where it does */
  vectorsKey?: string | undefined;
  /** What the rows of that feature set are */
  produces: 'images' | 'vectors';
  /** Of images: the decibels that their colours span; default: 120 */
  decibels?: number | undefined;
  /** Threads of one training process; sums of floats depend on it */
  threads: number;
  xla: boolean;
  /** Whether folds keep groups whole */
  grouped: boolean;
}

/** An artifact that all folds of a trial read, computed once by a job of its own. */
export interface Prerequisite {
  /** What logs call it */
  kind: string;
  /** Of the job; equal needs have equal ids, whichever run asks */
  id: string;
  /** Exists in the store once the job is done */
  artifact: string;
}

/** A whole number of a kind's parameters that a flag or a sweep may change. */
export interface Resource<P> {
  of(parameters: P): number;
  with(parameters: P, value: number): P;
}

/** Files beside the spec that an estimator needs. */
export interface SpecFiles<P> {
  /** Paths below the spec's folder */
  of(parameters: P): string[];
  /** @param hashes the sha256 of each path's content, which the store then holds */
  with(parameters: P, hashes: Record<string, string>): P;
  /** Names of the files in the store; undefined where the parameters name paths, whose content nobody has read */
  stored(parameters: P): string[] | undefined;
}

/** Where the values are that a sweep may search. */
export interface Searched<P> {
  of(parameters: P): Record<string, unknown>;
  /** The entry with some of them; it may be invalid */
  with(parameters: P, values: Readonly<Record<string, unknown>>): unknown;
}

/** Pretrained weights that a kind can start from. */
export interface Pretrained<P> {
  /** `random`, or where the weights come from */
  source(parameters: P): string;
  withSource(parameters: P, source: string): P;
  /**
   * Reads a weights file and checks that it fits.
   * @returns how many arrays it holds
   * @throws CryfoldError WEIGHTS_INVALID
   */
  verify(path: string): Promise<number>;
}

/**
 * Everything that cryfold needs to know about one kind of estimator. A new kind is one file that exports this object
 * and one line in registry.ts. Parameters, keys and costs are pure; the engine and the predictor are imported only in
 * processes that train or predict, so that a coordinator loads no numerical library.
 */
export interface EstimatorKind<P extends { kind: string } = never> {
  readonly kind: string;
  /** An estimator's entry in a spec; strict, with `kind` as a literal */
  readonly parameters: z.ZodType<P>;
  readonly queue: FoldQueue | ((parameters: P) => FoldQueue);
  /** Whether its folds and models run programs that a spec names: only where that is allowed */
  readonly runsCommands?: boolean;
  /** Fails where the machine lacks what training needs. @throws CryfoldError such as TENSORFLOW_MISSING */
  checkRuntime?(): Promise<unknown>;
  /** Which feature sets it reads: RGB images, float vectors, or both */
  readonly reads: 'images' | 'vectors' | 'any';
  /** Pixels that an image's height and width must have at least; default 1 */
  readonly smallestImage?: number;
  /** Whether it reads a feature set of vectors besides, which its parameter `vectors` names */
  readonly readsVectors?: boolean;
  /**
   * What decides the bytes of a fold besides data, features, indices, parameters and seed. Members that are undefined
   * leave no trace in the fold's key.
   */
  keyParts(settings: RunSettings): Record<string, unknown>;
  /** The parameters that decide the bytes of a fold; default: all of them */
  keyed?(parameters: P): object;
  /** Undefined for a kind that needs no files of the spec's */
  readonly files?: SpecFiles<P>;
  /** Default: the members of the entry itself */
  readonly searched?: Searched<P>;
  prerequisite?(parameters: P, settings: RunSettings): Prerequisite | undefined;
  /** Names in the store, such as of artifacts beside the prerequisite, that garbage collection must keep */
  keeps?(parameters: P, featureKey: string): string[];
  /** Work of one fold, in a unit that no other kind shares */
  cost(parameters: P, trainClips: number): number;
  /** Names what shares the unit of `cost`; default: all estimators of this kind */
  unit?(parameters: P): string;
  /**
   * Seconds that a unit of `cost` takes on one core of a server of the 2020s, without a GPU: for estimates where no fold was
   * trained yet, good to a factor of about 4. Undefined where nobody measured it.
   */
  readonly typicalSeconds?: number;
  /** Undefined for a kind that is not trained in epochs */
  readonly epochs?: Resource<P>;
  /**
   * What a reader must know beside every figure of such an estimator, in a few words such as `random weights`; undefined
   * where its parameters need no such remark.
   */
  caveat?(parameters: P): string | undefined;
  /** Undefined for a kind without pretrained weights */
  readonly pretrained?: Pretrained<P>;
  loadEngine(settings: EngineSettings): Promise<Engine<P>>;
  /** What the entry lacks so that its models could be kept; undefined, as by default, where it lacks nothing */
  lacksToKeep?(parameters: P): string | undefined;
  /**
   * Loads a trained model from the files that the engine wrote. Undefined for a kind without models to keep.
   * @param file reads one of them by name
   * @throws CryfoldError ARTIFACT_MISSING, ARTIFACT_CORRUPT
   */
  loadPredictor?(file: (name: string) => Uint8Array, settings: PredictorSettings): Promise<Predictor>;
}

// biome-ignore lint/suspicious/noExplicitAny: in a list, kinds of different parameters stand side by side
export type AnyKind = EstimatorKind<any>;
