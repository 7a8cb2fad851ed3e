import { CryfoldError, printable } from '@cryfold/core';
import { ByteReader, openByteReader } from '@cryfold/corpus';
import { ModelPredictor, predictionJson, type RecordingPrediction } from '@cryfold/model-registry';
import type { Config } from '@cryfold/runtime';
import { EXIT } from './exit-codes.js';
import { findModel } from './find-model.js';
import { errorText, jsonText, say, warn } from './terminal.js';

export interface PredictCommandOptions {
  hop?: number;
  out: string;
  json: boolean;
}

/**
 * `cryfold predict MODEL FILE...|-`: classifies clips or longer recordings. A file that cannot be read is told, and the
 * others are still classified; the exit code is then 1.
 */
export async function predictCommand(
  model: string,
  files: string[],
  options: PredictCommandOptions,
  config: Config,
): Promise<number> {
  const predictor = await ModelPredictor.load(await findModel(model, options.out, config));
  const { card, classes } = predictor;
  const predictions: RecordingPrediction[] = [];
  const failed: CryfoldError[] = [];
  for (const file of files) {
    try {
      const name = file === '-' ? 'standard input' : file;
      const hop = options.hop === undefined ? {} : { hopSeconds: options.hop };
      const { reader, close } = await openRecording(file);
      try {
        predictions.push(await predictor.predictRecording(reader, name, hop));
      } finally {
        await close();
      }
    } catch (error) {
      if (!(error instanceof CryfoldError)) throw error;
      failed.push(error);
    }
  }
  if (options.json) {
    const out = { ...predictionJson(card, predictions), errors: failed.map((error) => error.toRecord()) };
    say(`${jsonText(out)}\n`);
  } else {
    say(table(predictions, classes));
    if (predictions.length > 0) say(`${card.name}@${card.version}. ${card.notice}\n`);
  }
  for (const error of failed) {
    warn(errorText(error));
  }
  return failed.length === 0 ? EXIT.done : EXIT.failed;
}

/** Standard input is read as it comes. */
async function openRecording(file: string): ReturnType<typeof openByteReader> {
  if (file === '-') return { reader: ByteReader.ofStream(process.stdin), close: async () => {} };
  try {
    return await openByteReader(file);
  } catch (cause) {
    throw new CryfoldError('DATA_NOT_FOUND', `${file}: cannot be read: ${(cause as Error).message}`, {
      cause,
      context: { file },
      hint: 'Give the path of a recording, or - for standard input.',
    });
  }
}

/** A line per window, and one of the mean where there are several. */
function table(predictions: readonly RecordingPrediction[], classes: readonly string[]): string {
  const rows: string[][] = [];
  for (const { name, windows, silent, mean } of predictions) {
    const line = (when: string, label: string, probabilities: number[]) => [
      ...[name, when, label],
      ...probabilities.map((p) => `${(100 * p).toFixed(1)} %`),
    ];
    const time = ({ start, end }: { start: number; end: number }) => `${start.toFixed(2)}-${end.toFixed(2)} s`;
    const lines = [
      ...windows.map((window) => ({ at: window.start, cells: line(time(window), window.label, window.probabilities) })),
      ...silent.map((window) => ({
        at: window.start,
        cells: [name, time(window), '(silent)', ...classes.map(() => '')],
      })),
    ].sort((a, b) => a.at - b.at);
    rows.push(...lines.map(({ cells }) => cells));
    if (windows.length > 1) rows.push(line('mean', mean.label, mean.probabilities));
  }
  if (rows.length === 0) return '';
  const all = [['recording', 'window', 'class', ...classes], ...rows].map((row) => row.map(printable));
  const widths = all[0].map((_, c) => Math.max(...all.map((row) => row[c].length)));
  const text = all.map((row) =>
    row
      .map((cell, c) => (c < 3 ? cell.padEnd(widths[c]) : cell.padStart(widths[c])))
      .join('  ')
      .trimEnd(),
  );
  return `${text.join('\n')}\n`;
}
