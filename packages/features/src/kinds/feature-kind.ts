import type { z } from 'zod';

/** Parameters that every feature set has. */
export interface FeatureParameters {
  kind: string;
  /** Length of a clip in seconds, which is the same for all feature sets of a spec */
  clipSeconds: number;
}

/** The sampling rate and length of a clip. Many clips have the same shape. */
export interface ClipShape {
  /** Hz */
  rate: number;
  samples: number;
}

/** Computes the row of one clip from its samples, which are mixed down to mono in [-1, 1]. */
export type Extractor = (samples: Float64Array) => Uint8Array | Float32Array;

/**
 * A few numbers that summarise the sound of a clip. They are used to detect sounds that are unlike the training data.
 */
export interface ClipSummary {
  /** How much the sound changes over time; small for steady noise and tones */
  liveliness: number;
  /**
   * Numbers in the same order for every clip of a feature set; NaN for frequencies that the recording does not contain
   */
  shape: Float64Array;
}

/** The clips that need rows. */
export interface GivenClips {
  /** Ids of the run's clips, in order */
  ids: readonly string[];
  /** Ids of clips in the data that the run leaves out */
  leftOut: readonly string[];
  /** Recordings of which the run uses only some clips, or no clips at all */
  skipped: ReadonlySet<string>;
}

/** Rows that the user has computed, in files next to the spec. */
export interface GivenRows<P> {
  /**
   * sha256 (hex) of the npy array of all rows; undefined if the parameters contain paths whose content has not been
   * read yet
   */
  content(parameters: P): string | undefined;
  /**
   * Reads and checks the files.
   * @param folder folder to which the paths of the files are relative
   * @returns the parameters with the hash of the content, and one row per clip
   * @throws CryfoldError FEATURES_INVALID
   */
  read(
    parameters: P,
    folder: string,
    clips: GivenClips,
  ): Promise<{ parameters: P; rows: { shape: number[]; data: Uint8Array | Float32Array } }>;
}

/**
 * The complete definition of one kind of feature set. To add a kind, write a file that exports this object and add a
 * line to registry.ts.
 */
export interface FeatureKind<P extends FeatureParameters = never> {
  readonly kind: string;
  /** Schema of the feature set's entry in a spec; strict, with `kind` as a literal */
  readonly parameters: z.ZodType<P>;
  /** `images`: uint8 [height, width, 3]; `vectors`: float32 [columns] */
  readonly produces: 'images' | 'vectors';
  /** For images: the range of decibels that their colours cover, from the loudest colour to black; default: 120 */
  decibels?(parameters: P): number | undefined;
  /** The shape of the row of one clip */
  shape(parameters: P): readonly number[];
  /** A short description, such as `spectrogram of 1 s, 60 x 90 pixels` */
  describe(parameters: P): string;
  /** The parameters on which the rows depend; default: all of them */
  keyed?(parameters: P): object;
  /** How to read rows from the user's files; undefined for a kind that computes its rows from the sound */
  readonly given?: GivenRows<P>;
  /**
   * Imports the code that computes rows. The resulting function creates an extractor for clips of one shape, and throws
   * CryfoldError if the parameters do not suit them.
   * @throws CryfoldError FEATURES_EXTERNAL for a kind whose rows the user has computed
   */
  loadExtractor(parameters: P): Promise<(clip: ClipShape) => Extractor>;
  /**
   * Imports the code that summarises a row. Without this function, models that use this kind of feature set never
   * reject a clip as unlike their training data. `audibleShare` is the share of the row's frequency range, from 0 Hz
   * up, that the recording contains; default: 1.
   */
  loadSummary?(parameters: P): Promise<(row: Uint8Array | Float32Array, audibleShare?: number) => ClipSummary>;
}

// biome-ignore lint/suspicious/noExplicitAny: a list contains kinds with different parameters
export type AnyFeatureKind = FeatureKind<any>;
