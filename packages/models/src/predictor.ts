import { CryfoldError } from '@cryfold/core';
import { kindOf, type Predictor } from '@cryfold/estimators';
import { applyFusion, argmaxRows } from '@cryfold/evaluation';
import { countWindows, cutWindows, decodeWav, SpectrogramImager } from '@cryfold/features';
import type { ModelCard } from './card.js';
import type { ReadModel } from './read-model.js';

/** Probabilities of one window of a recording. */
export interface WindowPrediction {
  /** seconds from the recording's start */
  start: number;
  end: number;
  label: string;
  /** of each class, in the order of the card's classes; together 1 */
  probabilities: number[];
  /** What the model saw, height x width x RGB, where it was asked for */
  image?: Uint8Array;
}

export interface RecordingPrediction {
  name: string;
  /** Hz */
  rate: number;
  seconds: number;
  windows: WindowPrediction[];
  /** Windows without any sound, which have no prediction */
  silent: { start: number; end: number }[];
  /** The mean of all windows' probabilities, and its class. No evaluation stands behind it where there are several. */
  mean: { label: string; probabilities: number[] };
}

export interface PredictOptions {
  /** Seconds from one window to the next; default: a clip's length, as in training */
  hopSeconds?: number;
  /** Of how many windows, from the first on, to keep what the model saw; default: none */
  images?: number;
  /** Windows that a recording may have; default: any number */
  maxWindows?: number;
}

/** Windows predicted together. */
const BATCH = 32;

/** Classifies recordings with a final model, exactly as its members were trained to see them. */
export class ModelPredictor {
  readonly card: ModelCard;
  readonly #model: ReadModel;
  readonly #members: readonly Predictor[];

  private constructor(model: ReadModel, members: Predictor[]) {
    this.card = model.card;
    this.#model = model;
    this.#members = members;
  }

  /**
   * Loads only the libraries that the model's members need.
   * @throws CryfoldError ARTIFACT_MISSING, ARTIFACT_CORRUPT, NPY_INVALID, TENSORFLOW_MISSING
   */
  static async load(model: ReadModel): Promise<ModelPredictor> {
    const members: Predictor[] = [];
    for (const { folder, kind } of model.card.members) {
      members.push(await kindOf({ kind }).loadPredictor((name) => fileOf(model, `${folder}/${name}`)));
    }
    return new ModelPredictor(model, members);
  }

  get classes(): string[] {
    return this.card.data.classes.map(({ label }) => label);
  }

  /**
   * @param images count x height x width x RGB
   * @returns count x classes, and the class of each
   */
  predictImages(images: Uint8Array): { probabilities: Float64Array; winners: Int32Array } {
    const { features, data } = this.card;
    const count = data.classes.length;
    const rows = images.length / (features.height * features.width * 3);
    const outputs = this.#members.map((member) => member.predict(images, rows));
    const { fusion } = this.#model;
    const probabilities = fusion
      ? applyFusion(
          fusion,
          outputs.map((output) => output.probabilities),
          count,
        )
      : outputs[0].probabilities;
    const scores = this.card.predictedBy === 'decisions' ? outputs[0].decisions : undefined;
    return { probabilities, winners: argmaxRows(scores ?? probabilities, count) };
  }

  /**
   * Cuts a recording as training does and predicts each window.
   * @param bytes of a WAV file
   * @param name what to call it in messages
   * @throws CryfoldError WAV_INVALID, WAV_EMPTY, WAV_NOT_FINITE, CLIP_SHORT, CLIP_SILENT, RATE_UNKNOWN,
   * RECORDING_LONG
   */
  predictRecording(bytes: Uint8Array, name: string, options: PredictOptions = {}): RecordingPrediction {
    try {
      return this.#predict(bytes, name, options);
    } catch (error) {
      if (!(error instanceof CryfoldError)) throw error;
      const { code, message, context, cause } = error;
      const hint = HINTS[code as keyof typeof HINTS] ?? error.hint;
      throw new CryfoldError(code, message, { context, cause, ...(hint && { hint }) });
    }
  }

  #predict(bytes: Uint8Array, name: string, options: PredictOptions): RecordingPrediction {
    const { hopSeconds, images: imagesKept = 0, maxWindows = Number.POSITIVE_INFINITY } = options;
    const wav = decodeWav(bytes, name);
    const { rate, samples } = wav;
    const { features, data } = this.card;
    if (data.rates && !data.rates.some((known) => known.rate === rate)) {
      const known = data.rates.map((one) => one.rate);
      throw new CryfoldError('RATE_UNKNOWN', `${name}: ${rate} Hz, but the model knows ${known.join(', ')} Hz only`, {
        context: { file: name, rate },
        hint: `Its spectrograms would look otherwise. Resample it: sox IN -r ${known[0]} OUT.wav`,
      });
    }
    const count = countWindows(wav, features.clipSeconds, hopSeconds);
    if (count > maxWindows) {
      throw new CryfoldError('RECORDING_LONG', `${name}: has ${count} windows, and only ${maxWindows} are left to it`, {
        context: { file: name, windows: count, limit: maxWindows },
        hint: 'Send a shorter recording, fewer in one request, or a longer hop.',
      });
    }
    const { length, windows, silent } = cutWindows(wav, features.clipSeconds, name, hopSeconds);
    const imager = new SpectrogramImager({ rate, samples: length, height: features.height, width: features.width });
    const size = features.height * features.width * 3;
    const classes = this.classes;
    const predicted: WindowPrediction[] = [];
    for (let from = 0; from < windows.length; from += BATCH) {
      const batch = windows.slice(from, from + BATCH);
      const images = new Uint8Array(batch.length * size);
      for (const [i, window] of batch.entries()) images.set(imager.image(window.samples), i * size);
      const { probabilities, winners } = this.predictImages(images);
      for (const [i, { start }] of batch.entries()) {
        predicted.push({
          start: start / rate,
          end: (start + length) / rate,
          label: classes[winners[i]],
          probabilities: [...probabilities.subarray(i * classes.length, (i + 1) * classes.length)],
          ...(from + i < imagesKept && { image: images.slice(i * size, (i + 1) * size) }),
        });
      }
    }
    const mean = classes.map(
      (_, c) => predicted.reduce((sum, window) => sum + window.probabilities[c], 0) / predicted.length,
    );
    const [only] = predicted;
    return {
      ...{ name, rate, seconds: samples.length / rate, windows: predicted },
      silent: silent.map((start) => ({ start: start / rate, end: (start + length) / rate })),
      mean: {
        label: predicted.length === 1 ? only.label : classes[argmaxRows(Float64Array.from(mean), classes.length)[0]],
        probabilities: mean,
      },
    };
  }
}

/** Readers' hints speak of data sets. */
const HINTS = {
  WAV_INVALID: 'Convert it to PCM WAV: sox IN OUT.wav',
  WAV_EMPTY: 'Record it again.',
  WAV_NOT_FINITE: 'Export the recording again.',
  CLIP_SHORT: 'Give at least half a clip of sound.',
  CLIP_SILENT: 'Give a recording with sound.',
} as const;

function fileOf({ card, files }: ReadModel, path: string): Uint8Array {
  const bytes = files.get(path);
  if (bytes) return bytes;
  throw new CryfoldError('ARTIFACT_MISSING', `${card.name}@${card.version}: the card lists no ${path}`, {
    context: { model: card.name, version: card.version, file: path },
    hint: 'Train the model again.',
  });
}
