import { stat } from 'node:fs/promises';
import { CryfoldError, counted } from '@cryfold/core';
import { ByteReader, byCause, describeUnread, openByteReader, problemOf, recordingsIn } from '@cryfold/corpus';
import { ModelPredictor, type RecordingPrediction } from '@cryfold/model-registry';
import type { Config } from '@cryfold/runtime';
import { EXIT } from './exit-codes.js';
import { findModel } from './find-model.js';
import type { PREDICTION_FORMATS } from './prediction-formats.js';
import { predictionWriter } from './prediction-writers.js';
import { writeProblems } from './problems.js';
import { errorText, say, warn } from './terminal.js';
import { checkOutFile, writeOutFile } from './write-out.js';

export interface PredictCommandOptions {
  hop?: number;
  allowCommands?: boolean;
  /** File that lists all files that could not be classified */
  problems?: string;
  format: (typeof PREDICTION_FORMATS)[number];
  /** File to write predictions to instead of standard output */
  out?: string;
}

interface Failure {
  file: string;
  error: CryfoldError;
}

interface Outcome {
  classified: number;
  /** Number of resampled recordings per pair of rates, keyed by `FROM Hz to TO Hz` */
  resampled: Map<string, number>;
  failures: Failure[];
}

/**
 * `cryfold predict MODEL PATH...|-`: classifies recordings, and all recordings in folders. If some files cannot be
 * classified, reports the first few for each cause, classifies the others, and exits with code 1.
 */
export async function predictCommand(
  model: string,
  paths: string[],
  options: PredictCommandOptions,
  config: Config,
): Promise<number> {
  const { problems, out } = options;
  for (const file of [problems, out]) if (file !== undefined) await checkOutFile(file);
  const predictor = await ModelPredictor.load(await findModel(model, config), {
    allowCommands: options.allowCommands,
    maxMemoryMb: config.childMemoryMb,
  });
  const { files, failures } = await findFiles(paths);
  const outcome: Outcome = { classified: 0, resampled: new Map(), failures };
  const pieces = predictAll(predictor, files, outcome, options);
  if (out === undefined) for await (const piece of pieces) say(piece);
  else await writeOutFile(out, pieces);
  for (const [rates, count] of outcome.resampled) {
    warn(`${wereText(count)} resampled from ${rates}, the rate of the training data\n`);
  }
  for (const { code, first, count } of byCause(failures.map(({ error }) => error))) {
    for (const error of first) warn(errorText(error));
    if (count > first.length) warn(`cryfold: ${code}: ${count - first.length} more files were not classified\n`);
  }
  const bad = failures.map(({ file, error }) => problemOf(error, file));
  const listed = await writeProblems(bad, { file: problems });
  if (listed !== undefined) warn(`all ${bad.length} that were not classified: ${listed}\n`);
  if (bad.length > 0) warn(`${wereText(outcome.classified)} classified, ${bad.length} not\n`);
  return bad.length === 0 ? EXIT.done : EXIT.failed;
}

const wereText = (count: number) => `${counted(count, 'recording')} ${count === 1 ? 'was' : 'were'}`;

function countRates(counts: Map<string, number>, { rate, resampledTo }: RecordingPrediction): void {
  if (resampledTo === undefined) return;
  const rates = `${rate} Hz to ${resampledTo} Hz`;
  counts.set(rates, (counts.get(rates) ?? 0) + 1);
}

/**
 * Replaces folders with the recordings in them. Reports the other files in these folders, which count as failures only
 * if they should be readable.
 */
async function findFiles(paths: readonly string[]): Promise<{ files: string[]; failures: Failure[] }> {
  const files: string[] = [];
  const failures: Failure[] = [];
  for (const path of paths) {
    const found = path === '-' ? undefined : await stat(path).catch(() => undefined);
    if (!found?.isDirectory()) {
      files.push(path);
      continue;
    }
    try {
      const { files: inside, skipped, unread } = await recordingsIn(path);
      files.push(...inside);
      for (const error of skipped) {
        if (error.code === 'DATA_READ_ALREADY') warn(`cryfold: ${error.message}\n`);
        else failures.push({ file: String(error.context.file), error });
      }
      if (unread.length > 0) warn(`${path}: not read: ${describeUnread(unread)}\n`);
    } catch (error) {
      if (!(error instanceof CryfoldError)) throw error;
      failures.push({ file: path, error });
    }
  }
  return { files, failures };
}

/** Yields the text of each prediction as soon as it is made. */
async function* predictAll(
  predictor: ModelPredictor,
  files: readonly string[],
  outcome: Outcome,
  { format, hop }: PredictCommandOptions,
): AsyncGenerator<string> {
  const names = files.map((file) => (file === '-' ? 'standard input' : file));
  const writer = predictionWriter(format, predictor.card, names);
  yield writer.begin();
  for (const { file, error } of outcome.failures) yield writer.failure(file, error);
  for (const [i, file] of files.entries()) {
    try {
      const { reader, close } = await openRecording(file);
      try {
        const cut = hop === undefined ? {} : { hopSeconds: hop };
        const prediction = await predictor.predictRecording(reader, names[i], cut);
        outcome.classified++;
        countRates(outcome.resampled, prediction);
        yield writer.recording(prediction);
      } finally {
        await close();
      }
    } catch (error) {
      if (!(error instanceof CryfoldError)) throw error;
      outcome.failures.push({ file, error });
      yield writer.failure(names[i], error);
    }
  }
  yield writer.end();
}

/** Opens a recording. Standard input is streamed. */
async function openRecording(file: string): ReturnType<typeof openByteReader> {
  if (file === '-') return { reader: ByteReader.ofStream(process.stdin), close: async () => {} };
  try {
    return await openByteReader(file);
  } catch (cause) {
    throw new CryfoldError('DATA_NOT_FOUND', `${file}: cannot be read: ${(cause as Error).message}`, {
      cause,
      context: { file },
      hint: 'Specify the path of a recording or folder, or - for standard input.',
    });
  }
}
