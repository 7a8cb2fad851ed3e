import { CryfoldError } from '@cryfold/core';
import { ByteReader, countWindows, openAudio, RESAMPLED_KEEPS, resampled, type Window, Windows } from '@cryfold/corpus';
import type { FeatureArray, Prediction } from '@cryfold/estimators';
import { applyFusion, argmaxRows } from '@cryfold/evaluation';
import { type ClipShape, type Extractor, type FeatureSet, featureKindOf, imageSizeOf } from '@cryfold/features/kinds';
import type { ModelCard } from './card.js';
import { loadUnlikeness, type Unlikeness } from './likeness.js';
import { type LoadOptions, loadMembers, type Member } from './members.js';
import type { ReadModel } from './read-model.js';

/** Probabilities of one window of a recording. */
export interface WindowPrediction {
  /** seconds from the start of the recording */
  start: number;
  end: number;
  label: string;
  /** probability of each class, in the order of the card's classes; the probabilities sum to 1 */
  probabilities: number[];
  /**
   * How unlike the training data the window is, and whether this value exceeds the limit of 1. Absent if the model has
   * no rule for detecting windows that are unlike its training data.
   */
  unlike?: boolean;
  unlikeness?: number;
  /** The input image of the model, height x width x RGB, if requested */
  image?: Uint8Array;
}

export interface RecordingPrediction {
  name: string;
  /** Rate of the recording, Hz */
  rate: number;
  /** The rate to which it was resampled because the training data does not contain the recording's own rate, Hz */
  resampledTo?: number;
  seconds: number;
  windows: WindowPrediction[];
  /** Silent windows, for which there is no prediction */
  silent: { start: number; end: number }[];
  /**
   * True if most windows are unlike the training data, or if all windows are silent; absent if the model has no rule
   * for detecting windows that are unlike its training data
   */
  unlike?: boolean;
  /**
   * The probabilities averaged over all windows that are like the training data (or over all windows if every window is
   * unlike it), and the class that follows from these averages. Note that the evaluation never averaged predictions
   * over several windows. Absent if all windows are silent.
   */
  mean?: { label: string; probabilities: number[] };
}

export interface PredictOptions {
  /** Seconds from one window to the next; default: the length of a clip, as in training */
  hopSeconds?: number;
  /** Number of windows, counted from the first one, for which to keep the model's input image; default: zero */
  images?: number;
  /** Maximum number of windows per recording; default: unlimited */
  maxWindows?: number;
}

interface Loaded {
  model: ReadModel;
  members: readonly Member[];
  features: ReadonlyMap<FeatureSet, (clip: ClipShape) => Extractor>;
  unlikeness: Unlikeness | undefined;
}

/**
 * Probabilities (rows x classes) and the class of each row, which is not always the one with the largest probability.
 */
export interface Classified {
  probabilities: Float64Array;
  winners: Int32Array;
}

/** Computes the rows of clips in each feature set, row-major */
type RowsOf = (clips: readonly Float64Array[]) => Map<FeatureSet, FeatureArray['data']>;

/** Number of windows to predict together. */
const BATCH = 32;

/** Classifies recordings with a final model, processing them in the same way as the training data. */
export class ModelPredictor {
  readonly card: ModelCard;
  readonly #model: ReadModel;
  readonly #members: readonly Member[];
  readonly #features: ReadonlyMap<FeatureSet, (clip: ClipShape) => Extractor>;
  readonly #unlikeness: Unlikeness | undefined;

  private constructor({ model, members, features, unlikeness }: Loaded) {
    this.card = model.card;
    this.#model = model;
    this.#members = members;
    this.#features = features;
    this.#unlikeness = unlikeness;
  }

  /**
   * Loads only the libraries that the model's members need.
   * @throws CryfoldError ARTIFACT_MISSING, ARTIFACT_CORRUPT, NPY_INVALID, TENSORFLOW_MISSING, COMMANDS_NOT_ALLOWED
   */
  static async load(model: ReadModel, options: LoadOptions = {}): Promise<ModelPredictor> {
    const { members, sets } = await loadMembers(model, options);
    const features = new Map<FeatureSet, (clip: ClipShape) => Extractor>();
    for (const set of sets) features.set(set, await featureKindOf(set).loadExtractor(set));
    return new ModelPredictor({ model, members, features, unlikeness: await loadUnlikeness(model) });
  }

  /**
   * Computes each feature set that a member reads, for clips of the same shape. The result is row-major with one row
   * per clip.
   */
  #extractors(clip: ClipShape): RowsOf {
    const extractors = [...this.#features].map(([set, prepare]) => [set, prepare(clip)] as const);
    return (clips) => new Map(extractors.map(([set, extract]) => [set, joined(clips.map(extract))]));
  }

  get classes(): string[] {
    return this.card.data.classes.map(({ label }) => label);
  }

  /**
   * @returns probabilities, windows x classes, and the class of each window
   * @throws CryfoldError ARTIFACT_CORRUPT if a probability is not a number; COMMAND_*, OUT_OF_MEMORY
   */
  async #classify(rows: ReadonlyMap<FeatureSet, FeatureArray['data']>, windows: number): Promise<Classified> {
    const count = this.card.data.classes.length;
    const outputs: Prediction[] = [];
    // Runs members one after the other, since each may use all threads.
    for (const { predictor, features, vectors } of this.#members) {
      const read = rows.get(features) ?? new Uint8Array();
      outputs.push(await predictor.predict(read, windows, vectors && rows.get(vectors)));
    }
    const { fusion } = this.#model;
    const probabilities = fusion
      ? applyFusion(
          fusion,
          outputs.map((output) => output.probabilities),
          count,
        )
      : outputs[0].probabilities;
    if (!probabilities.every(Number.isFinite)) throw notFinite(this.card);
    const scores = this.card.predictedBy === 'decisions' ? outputs[0].decisions : undefined;
    return { probabilities, winners: argmaxRows(scores ?? probabilities, count) };
  }

  /**
   * Predicts clips of a dataset.
   * @param clips clips at a rate that the model supports; `samples` has `length` elements
   * @returns probabilities, clips x classes, and the class of each clip
   * @throws CryfoldError RATE_UNKNOWN, or any error that occurs while reading the clips
   */
  async predictClips(
    clips: AsyncIterable<{ clip: { id: string; rate: number; length: number }; samples: Float64Array }>,
  ): Promise<Classified> {
    const probabilities: Float64Array[] = [];
    const winners: Int32Array[] = [];
    let shape = { rate: 0, samples: 0 };
    let batch: Float64Array[] = [];
    const flush = async () => {
      if (batch.length === 0) return;
      const classified = await this.#classify(this.#extractors(shape)(batch), batch.length);
      probabilities.push(classified.probabilities);
      winners.push(classified.winners);
      batch = [];
    };
    for await (const { clip, samples } of clips) {
      if (clip.rate !== shape.rate || clip.length !== shape.samples || batch.length === BATCH) await flush();
      this.#checkRate(clip.rate, clip.id);
      shape = { rate: clip.rate, samples: clip.length };
      batch.push(samples);
    }
    await flush();
    return {
      probabilities: Float64Array.from(probabilities.flatMap((rows) => [...rows])),
      winners: Int32Array.from(winners.flatMap((rows) => [...rows])),
    };
  }

  #checkRate(rate: number, name: string): void {
    const { rates } = this.card.data;
    if (!rates || rates.some((known) => known.rate === rate)) return;
    const known = rates.map((one) => one.rate);
    throw new CryfoldError('RATE_UNKNOWN', `${name}: ${rate} Hz, but the model supports only ${known.join(', ')} Hz`, {
      context: { file: name, rate },
      hint: `Spectrograms at another sampling rate would look different. Resample the recording with: sox IN -r ${known[0]} OUT.wav`,
    });
  }

  /**
   * Returns the rate at which to predict a recording: its own rate if the training data contains it or does not record
   * its rates, otherwise the most frequent rate of the training clips.
   */
  #rateFor(rate: number): number {
    const { rates = [] } = this.card.data;
    if (rates.length === 0 || rates.some((known) => known.rate === rate)) return rate;
    return rates.reduce((best, one) => (one.clips > best.clips ? one : best)).rate;
  }

  /**
   * Reads a recording in pieces, cuts it as in training, and predicts each window. Resamples it if the training data
   * does not contain its rate.
   * @param recording in any supported format
   * @param name shown in messages
   * @throws CryfoldError WAV_INVALID, WAV_EMPTY, WAV_NOT_FINITE, WAV_SCALE, DECODER_MISSING, CLIP_SHORT, CLIP_SILENT,
   * RATE_UNKNOWN, RECORDING_LONG
   */
  async predictRecording(
    recording: Uint8Array | ByteReader,
    name: string,
    options: PredictOptions = {},
  ): Promise<RecordingPrediction> {
    try {
      const reader = recording instanceof ByteReader ? recording : ByteReader.ofBytes(recording);
      const audio = await openAudio(reader, name);
      try {
        return await this.#predict(audio, name, options);
      } finally {
        await audio.close?.();
      }
    } catch (error) {
      if (!(error instanceof CryfoldError)) throw error;
      const { code, message, context, cause } = error;
      const hint = HINTS[code as keyof typeof HINTS] ?? error.hint?.replace(SKIPPING, '');
      throw new CryfoldError(code, message, { context, cause, ...(hint && { hint }) });
    }
  }

  async #predict(
    audio: Awaited<ReturnType<typeof openAudio>>,
    name: string,
    options: PredictOptions,
  ): Promise<RecordingPrediction> {
    const { hopSeconds, maxWindows = Number.POSITIVE_INFINITY } = options;
    const target = this.#rateFor(audio.rate);
    const signal = target === audio.rate ? audio : resampled(audio, target, name);
    const { rate, frames } = signal;
    const audibleShare = rate < audio.rate ? RESAMPLED_KEEPS : 1;
    const cut = { clipSeconds: this.card.features.clipSeconds, hopSeconds };
    const tooMany = (count: number) => tooLong(name, count, maxWindows);
    if (frames !== undefined) {
      const count = countWindows({ rate, frames }, cut);
      if (count > maxWindows) throw tooMany(count);
    }
    const windows = new Windows(signal, cut, name);
    const { length } = windows;
    // Allocated only when the first window arrives, since a header can claim a rate for which there is not enough
    // memory.
    let rowsOf: RowsOf | undefined;
    const predicted: WindowPrediction[] = [];
    const silent: RecordingPrediction['silent'] = [];
    const end = (start: number) => (start + length) / rate;
    let batch: Window[] = [];
    const flush = async () => {
      const images = Math.max(0, (options.images ?? 0) - predicted.length);
      rowsOf ??= this.#extractors({ rate, samples: length });
      const rows = await this.#predictBatch(batch, { rowsOf, images, audibleShare });
      predicted.push(...rows.map((row, i) => ({ start: batch[i].start / rate, end: end(batch[i].start), ...row })));
      batch = [];
    };
    for await (const window of this.#soundOf(windows)) {
      if (predicted.length + batch.length + silent.length === maxWindows) throw tooMany(maxWindows + 1);
      if (window.silent) silent.push({ start: window.start / rate, end: end(window.start) });
      else batch.push(window);
      if (batch.length === BATCH) await flush();
    }
    if (batch.length > 0) await flush();
    return {
      ...{ name, rate: audio.rate, ...(target === audio.rate ? {} : { resampledTo: target }) },
      ...{ seconds: windows.total / rate, windows: predicted, silent, ...this.#summary(predicted) },
    };
  }

  /**
   * Reads the windows of a recording. If the model has a rule for detecting windows that are unlike its training data,
   * a completely silent window counts as one.
   */
  async *#soundOf(windows: Windows): AsyncGenerator<Window> {
    try {
      yield* windows;
    } catch (error) {
      if (!this.#unlikeness || !(error instanceof CryfoldError) || error.code !== 'CLIP_SILENT') throw error;
    }
  }

  /** @param images number of windows for which to keep the model's input image */
  async #predictBatch(
    batch: readonly Window[],
    { rowsOf, images, audibleShare }: { rowsOf: RowsOf; images: number; audibleShare: number },
  ): Promise<Omit<WindowPrediction, 'start' | 'end'>[]> {
    const { classes } = this;
    const set = this.card.features;
    const rows = rowsOf(batch.map(({ samples }) => samples));
    const { probabilities, winners } = await this.#classify(rows, batch.length);
    const seen = rows.get(set);
    return batch.map((_, i) => {
      const row = seen?.subarray((i * seen.length) / batch.length, ((i + 1) * seen.length) / batch.length);
      const unlikeness = row && this.#unlikeness?.(row, audibleShare);
      return {
        label: classes[winners[i]],
        probabilities: [...probabilities.subarray(i * classes.length, (i + 1) * classes.length)],
        ...(unlikeness !== undefined && { unlike: unlikeness > 1, unlikeness }),
        ...(imageSizeOf(set) && row instanceof Uint8Array && i < images && { image: row.slice() }),
      };
    });
  }

  /** Returns the result for the whole recording. */
  #summary(predicted: readonly WindowPrediction[]): Pick<RecordingPrediction, 'unlike' | 'mean'> {
    const like = predicted.filter(({ unlike }) => !unlike);
    const unlike = this.#unlikeness && { unlike: 2 * like.length < predicted.length || predicted.length === 0 };
    return predicted.length === 0 ? { ...unlike } : { ...unlike, mean: this.#mean(like.length > 0 ? like : predicted) };
  }

  #mean(predicted: readonly WindowPrediction[]): RecordingPrediction['mean'] {
    const { classes } = this;
    if (predicted.length === 1) return { label: predicted[0].label, probabilities: predicted[0].probabilities };
    const sum = (c: number) => predicted.reduce((total, { probabilities }) => total + probabilities[c], 0);
    const probabilities = classes.map((_, c) => sum(c) / predicted.length);
    return { label: classes[argmaxRows(Float64Array.from(probabilities), classes.length)[0]], probabilities };
  }
}

function notFinite({ name, version }: ModelCard): CryfoldError {
  return new CryfoldError('ARTIFACT_CORRUPT', `${name}@${version} predicts NaN or infinite probabilities`, {
    context: { model: name, version },
    hint: 'Train the model again, or use another version. To list all versions, use: cryfold models list',
  });
}

function tooLong(name: string, count: number, limit: number): CryfoldError {
  const has = count === limit + 1 ? `more than ${limit} windows` : `${count} windows`;
  return new CryfoldError('RECORDING_LONG', `${name}: has ${has}; the limit is ${limit}`, {
    context: { file: name, windows: count, limit },
    hint: 'Send a shorter recording or fewer recordings per request, or use a longer hop.',
  });
}

function joined(rows: readonly FeatureArray['data'][]): FeatureArray['data'] {
  const [first] = rows;
  const length = first.length * rows.length;
  const all = first instanceof Uint8Array ? new Uint8Array(length) : new Float32Array(length);
  rows.forEach((row, i) => {
    all.set(row, i * first.length);
  });
  return all;
}

/** Hints for a single recording. They replace the hints in the readers' errors, which are written for datasets. */
const SKIPPING = /,? or pass --skip-bad to leave such files out/;
const HINTS = {
  WAV_EMPTY: 'Record it again.',
  WAV_NOT_FINITE: 'Export the recording again.',
  CLIP_SHORT: 'Use a recording of at least half a clip.',
  CLIP_SILENT: 'Use a recording with sound.',
} as const;
