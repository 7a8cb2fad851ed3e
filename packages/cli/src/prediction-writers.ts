import { type CryfoldError, escapeControls, printable } from '@cryfold/core';
import { textField } from '@cryfold/evaluation';
import {
  evaluationText,
  type ModelCard,
  predictionHead,
  type RecordingPrediction,
  recordingJson,
} from '@cryfold/model-registry';
import type { PREDICTION_FORMATS } from './prediction-formats.js';

/** Formats predictions one recording at a time, so that output can be streamed. */
export interface PredictionWriter {
  begin(): string;
  recording(prediction: RecordingPrediction): string;
  /** A recording that could not be classified */
  failure(name: string, error: CryfoldError): string;
  end(): string;
}

type Format = (typeof PREDICTION_FORMATS)[number];

/** @param names names of all recordings, which determine the column width of the table */
export function predictionWriter(format: Format, card: ModelCard, names: readonly string[]): PredictionWriter {
  return WRITERS[format](card, names);
}

const WRITERS: Record<Format, (card: ModelCard, names: readonly string[]) => PredictionWriter> = {
  table: tableWriter,
  csv: csvWriter,
  jsonl: linesWriter,
  json: jsonWriter,
};

interface Row {
  kind: 'window' | 'silent' | 'mean';
  start: number;
  end: number;
  label: string;
  probabilities: number[];
  unlike?: boolean;
  unlikeness?: number;
}

/** All windows in chronological order, followed by their mean if there are several windows. */
function rowsOf({ windows, silent, mean, unlike, seconds }: RecordingPrediction): Row[] {
  const rows: Row[] = [
    ...windows.map((window) => ({ kind: 'window' as const, ...window })),
    ...silent.map((window) => ({
      ...{ kind: 'silent' as const, ...window, label: '', probabilities: [] },
      ...(unlike !== undefined && { unlike: true }),
    })),
  ].sort((a, b) => a.start - b.start);
  if (windows.length < 2 || !mean) return rows;
  return [...rows, { kind: 'mean', start: 0, end: seconds, ...mean, ...(unlike !== undefined && { unlike }) }];
}

/** Shown in place of the class. */
const UNLIKE = '(unlike the training data)';
const SILENT = '(silent: unlike the training data)';

function classCell({ kind, label, unlike }: Pick<Row, 'kind' | 'label' | 'unlike'>): string {
  if (kind === 'silent') return unlike ? SILENT : '(silent)';
  return unlike ? UNLIKE : label;
}

function tableWriter(card: ModelCard, names: readonly string[]): PredictionWriter {
  const classes = card.data.classes.map(({ label }) => label);
  const width = (texts: readonly string[]) =>
    texts.reduce((longest, text) => Math.max(longest, printable(text).length), 0);
  const widths = [width(['recording', ...names]), '00.00-00.00 s'.length, width(['(silent)', UNLIKE, ...classes])];
  const line = (cells: readonly string[]) => {
    const padded = cells.map(printable).map((cell, c) => {
      return c < widths.length ? cell.padEnd(widths[c]) : cell.padStart(Math.max(classes[c - 3].length, 7));
    });
    return `${padded.join('  ').trimEnd()}\n`;
  };
  let begun = false;
  const recording = (prediction: RecordingPrediction) => {
    const rows = rowsOf(prediction).map(({ kind, start, end, label, probabilities, unlike }) => [
      prediction.name,
      kind === 'mean' ? 'mean' : `${start.toFixed(2)}-${end.toFixed(2)} s`,
      classCell({ kind, label, unlike }),
      ...probabilities.map((p) => `${(100 * p).toFixed(1)} %`),
    ]);
    const head = begun ? [] : [['recording', 'window', 'class', ...classes]];
    begun = true;
    return [...head, ...rows].map(line).join('');
  };
  const end = () => {
    if (!begun) return '';
    return `${[`${card.name}@${card.version}.`, evaluationText(card), card.notice].filter(Boolean).join(' ')}\n`;
  };
  return { begin: () => '', recording, failure: () => '', end };
}

/**
 * One row per window. Rows of kind `mean` are for whole recordings, rows of kind `error` for recordings without
 * predictions.
 */
function csvWriter(card: ModelCard): PredictionWriter {
  const classes = card.data.classes.map(({ label }) => label);
  const line = (cells: readonly (string | number | boolean)[]) => `${cells.join(',')}\n`;
  const columns = [
    ...['recording', 'kind', 'start', 'end', 'rate', 'resampled_to', 'class', 'unlike', 'unlikeness'],
    ...classes.map((label) => `p_${label}`),
    'error',
  ];
  const empty = classes.map(() => '');
  return {
    begin: () => line(columns.map(textField)),
    recording: (prediction) =>
      rowsOf(prediction)
        .map(({ kind, start, end, label, probabilities, unlike = '', unlikeness = '' }) =>
          line([
            ...[textField(prediction.name), kind, start, end],
            ...[prediction.rate, prediction.resampledTo ?? '', textField(label), unlike, unlikeness],
            ...(probabilities.length > 0 ? probabilities : empty),
            '',
          ]),
        )
        .join(''),
    failure: (name, { code, message }) =>
      line([textField(name), 'error', '', '', '', '', '', '', '', ...empty, textField(`${code}: ${message}`)]),
    end: () => '',
  };
}

const json = (value: unknown) => escapeControls(JSON.stringify(value));

/** One line per recording, with the model's name and version. */
function linesWriter(card: ModelCard): PredictionWriter {
  const model = { name: card.name, version: card.version };
  return {
    begin: () => '',
    recording: (prediction) => `${json({ ...recordingJson(card, prediction), model })}\n`,
    failure: (name, error) => `${json({ name, error: error.toRecord(), model })}\n`,
    end: () => '',
  };
}

function jsonWriter(card: ModelCard): PredictionWriter {
  const failed: CryfoldError[] = [];
  let between = '';
  return {
    begin: () => `${json(predictionHead(card)).slice(0, -1)},"predictions":[`,
    recording: (prediction) => {
      const text = `${between}${json(recordingJson(card, prediction))}`;
      between = ',';
      return text;
    },
    failure: (_, error) => {
      failed.push(error);
      return '';
    },
    end: () => `],"errors":${json(failed.map((error) => error.toRecord()))}}\n`,
  };
}
