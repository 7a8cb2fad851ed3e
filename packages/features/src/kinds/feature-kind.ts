import type { z } from 'zod';

/** What every feature set says. */
export interface FeatureParameters {
  kind: string;
  /** Length of a clip in seconds; all feature sets of a spec have the same */
  clipSeconds: number;
}

/** Clips of one sampling rate and length. */
export interface ClipShape {
  /** Hz */
  rate: number;
  samples: number;
}

/** Turns one clip, mixed down to one channel in [-1, 1], into its row. */
export type Extractor = (samples: Float64Array) => Uint8Array | Float32Array;

/** A few numbers that say how a clip sounds, by which sounds unlike the training data are known. */
export interface ClipSummary {
  /** How much the sound changes in time; small for steady noise and tones */
  liveliness: number;
  /** As many for every clip of a feature set; NaN where it is about frequencies that the recording does not hold */
  shape: Float64Array;
}

/** The clips that rows are given for. */
export interface GivenClips {
  /** Of the run's clips, in their order */
  ids: readonly string[];
  /** Of clips that the data has and the run leaves out */
  leftOut: readonly string[];
  /** Recordings that gave no clip, or not all of theirs */
  skipped: ReadonlySet<string>;
}

/** Rows that the user has computed, in files beside the spec. */
export interface GivenRows<P> {
  /** Hex sha256 of the npy array of all rows; undefined where the parameters name paths, whose content nobody has read */
  content(parameters: P): string | undefined;
  /**
   * Reads and checks the files.
   * @param folder that their paths start from
   * @returns the parameters with what names the content, and one row per clip
   * @throws CryfoldError FEATURES_INVALID
   */
  read(
    parameters: P,
    folder: string,
    clips: GivenClips,
  ): Promise<{ parameters: P; rows: { shape: number[]; data: Uint8Array | Float32Array } }>;
}

/**
 * Everything that cryfold needs to know about one kind of feature set. A new kind is one file that exports this object
 * and one line in registry.ts.
 */
export interface FeatureKind<P extends FeatureParameters = never> {
  readonly kind: string;
  /** A feature set in a spec; strict, with `kind` as a literal */
  readonly parameters: z.ZodType<P>;
  /** `images`: uint8 [height, width, 3]; `vectors`: float32 [columns] */
  readonly produces: 'images' | 'vectors';
  /** Of images: the decibels that their colours span, from the loudest one to black; default: 120 */
  decibels?(parameters: P): number | undefined;
  /** The shape of one clip's row */
  shape(parameters: P): readonly number[];
  /** In words, such as `spectrogram of 1 s, 60 x 90 pixels` */
  describe(parameters: P): string;
  /** The parameters that decide the rows; default: all of them */
  keyed?(parameters: P): object;
  /** Undefined for a kind that computes its rows from the sound */
  readonly given?: GivenRows<P>;
  /**
   * Imports what computes it. The function prepares for clips of one shape, and throws CryfoldError if it cannot.
   * @throws CryfoldError FEATURES_EXTERNAL for a kind whose rows are given
   */
  loadExtractor(parameters: P): Promise<(clip: ClipShape) => Extractor>;
  /**
   * Imports what summarizes a row. Models whose kind has none call no clip unlike their training data.
   * `heard` is the share of the frequencies, from 0 Hz up, that the recording holds; 1 if it is left out.
   */
  loadSummary?(parameters: P): Promise<(row: Uint8Array | Float32Array, heard?: number) => ClipSummary>;
}

// biome-ignore lint/suspicious/noExplicitAny: in a list, kinds of different parameters stand side by side
export type AnyFeatureKind = FeatureKind<any>;
