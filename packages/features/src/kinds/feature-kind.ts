import type { z } from 'zod';

/** Parameters of every feature set. */
export interface FeatureParameters {
  kind: string;
  /** Length of a clip in seconds; all feature sets of a spec have the same one */
  clipSeconds: number;
}

/** Clips of one sampling rate and length. */
export interface ClipShape {
  /** Hz */
  rate: number;
  samples: number;
}

/** Converts one clip, mixed down to one channel in [-1, 1], into its row. */
export type Extractor = (samples: Float64Array) => Uint8Array | Float32Array;

/** A few numbers that summarise a clip's sound, used to detect sounds unlike the training data. */
export interface ClipSummary {
  /** How much the sound changes in time; small for steady noise and tones */
  liveliness: number;
  /** The same number for every clip of a feature set; NaN for frequencies that the recording does not contain */
  shape: Float64Array;
}

/** The clips that need rows. */
export interface GivenClips {
  /** Ids of the run's clips, in order */
  ids: readonly string[];
  /** Ids of clips that the data has but the run leaves out */
  leftOut: readonly string[];
  /** Recordings without clips, or with only some of their clips */
  skipped: ReadonlySet<string>;
}

/** Rows that the user has computed, in files next to the spec. */
export interface GivenRows<P> {
  /** Hex sha256 of the npy array of all rows; undefined if the parameters name paths whose content was not read yet */
  content(parameters: P): string | undefined;
  /**
   * Reads and checks the files.
   * @param folder that their paths are relative to
   * @returns the parameters with the identity of the content, and one row per clip
   * @throws CryfoldError FEATURES_INVALID
   */
  read(
    parameters: P,
    folder: string,
    clips: GivenClips,
  ): Promise<{ parameters: P; rows: { shape: number[]; data: Uint8Array | Float32Array } }>;
}

/**
 * The complete definition of one kind of feature set. A new kind is one file that exports this object and one line in
 * registry.ts.
 */
export interface FeatureKind<P extends FeatureParameters = never> {
  readonly kind: string;
  /** A feature set in a spec; strict, with `kind` as a literal */
  readonly parameters: z.ZodType<P>;
  /** `images`: uint8 [height, width, 3]; `vectors`: float32 [columns] */
  readonly produces: 'images' | 'vectors';
  /** For images: the decibels that their colours span, from the loudest one to black; default: 120 */
  decibels?(parameters: P): number | undefined;
  /** The shape of one clip's row */
  shape(parameters: P): readonly number[];
  /** A short description, such as `spectrogram of 1 s, 60 x 90 pixels` */
  describe(parameters: P): string;
  /** The parameters that decide the rows; default: all of them */
  keyed?(parameters: P): object;
  /** Undefined for a kind that computes its rows from the sound */
  readonly given?: GivenRows<P>;
  /**
   * Imports the code that computes it. The function prepares for clips of one shape, and throws CryfoldError if it
   * cannot.
   * @throws CryfoldError FEATURES_EXTERNAL for a kind with given rows
   */
  loadExtractor(parameters: P): Promise<(clip: ClipShape) => Extractor>;
  /**
   * Imports the code that summarises a row. Models of kinds without it never reject a clip as unlike their training
   * data.
   * `heard` is the share of the frequencies, from 0 Hz up, that the recording contains; default 1.
   */
  loadSummary?(parameters: P): Promise<(row: Uint8Array | Float32Array, heard?: number) => ClipSummary>;
}

// biome-ignore lint/suspicious/noExplicitAny: in a list, kinds of different parameters stand side by side
export type AnyFeatureKind = FeatureKind<any>;
