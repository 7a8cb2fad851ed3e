import { CryfoldError, printable } from '@cryfold/core';
import { ByteReader, byCause, openByteReader, problemOf, type Skipped } from '@cryfold/corpus';
import { evaluationText, ModelPredictor, predictionJson, type RecordingPrediction } from '@cryfold/model-registry';
import type { Config } from '@cryfold/runtime';
import { EXIT } from './exit-codes.js';
import { findModel } from './find-model.js';
import { writeProblems } from './problems.js';
import { errorText, jsonText, say, warn } from './terminal.js';
import { checkOutFile } from './write-out.js';

export interface PredictCommandOptions {
  hop?: number;
  /** File that lists all files that were not classified */
  problems?: string;
  json: boolean;
}

/**
 * `cryfold predict MODEL FILE...|-`: classifies clips or longer recordings. Files that cannot be
 * classified are named, the first few of each cause, and the others are still classified; the exit code is then 1.
 */
export async function predictCommand(
  model: string,
  files: string[],
  options: PredictCommandOptions,
  config: Config,
): Promise<number> {
  if (options.problems !== undefined) await checkOutFile(options.problems);
  const predictor = await ModelPredictor.load(await findModel(model, config));
  const { card, classes } = predictor;
  const predictions: RecordingPrediction[] = [];
  const failed: CryfoldError[] = [];
  const bad: Skipped[] = [];
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
      bad.push(problemOf(error, file));
    }
  }
  if (options.json) {
    const out = { ...predictionJson(card, predictions), errors: failed.map((error) => error.toRecord()) };
    say(`${jsonText(out)}\n`);
  } else {
    say(table(predictions, classes));
    if (predictions.length > 0) {
      say(`${[`${card.name}@${card.version}.`, evaluationText(card), card.notice].filter(Boolean).join(' ')}\n`);
    }
  }
  for (const { code, first, count } of byCause(failed)) {
    for (const error of first) warn(errorText(error));
    if (count > first.length) warn(`cryfold: ${code}: ${count - first.length} more files were not classified\n`);
  }
  const listed = await writeProblems(bad, { file: options.problems });
  if (listed !== undefined) warn(`all ${bad.length} that were not classified: ${listed}\n`);
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
