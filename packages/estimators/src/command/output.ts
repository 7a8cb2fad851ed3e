import { CryfoldError, decodeNpy, decodeNpyHeader, type NpyType } from '@cryfold/core';
import { softmaxRows } from '@cryfold/evaluation';
import type { Matrix } from '../engine.js';
import type { Command } from './parameters.js';

/** Tolerance for the sum of a row's probabilities. Rounding errors of float32 are far smaller. */
const TOLERANCE = 1e-3;

export interface ExpectedOutput {
  rows: number;
  columns: number;
  kind: Command['output'];
  /** Name of the file, for messages */
  name: string;
}

export interface DecodedOutput {
  probabilities: Matrix;
  decisions?: Matrix;
}

/**
 * Checks the output of a program. Probabilities are scaled to a sum of exactly 1. Scores are used as decision values,
 * and converted to probabilities by softmax.
 * @param bytes an npy array of float32 or float64, rows x columns, C order; undefined if the file is missing
 * @throws CryfoldError COMMAND_OUTPUT_INVALID
 */
export function decodeOutput(bytes: Uint8Array | undefined, expected: ExpectedOutput): DecodedOutput {
  const { rows, columns, kind, name } = expected;
  const data = valuesOf(bytes, expected);
  for (let row = 0; row < rows; row++) {
    const own = data.subarray(row * columns, (row + 1) * columns);
    if (!own.every(Number.isFinite)) throw invalid(name, `row ${row} has NaN or an infinite value`);
    if (kind === 'scores') continue;
    const sum = own.reduce((total, value) => total + value, 0);
    if (own.some((value) => value < 0) || Math.abs(sum - 1) > TOLERANCE) {
      throw invalid(name, `row ${row} does not have probabilities: [${own.join(', ')}] with sum ${sum}`, {
        hint: 'Write one probability per class, or set output: scores in the spec and write scores.npy.',
      });
    }
    for (let i = 0; i < columns; i++) own[i] /= sum;
  }
  const matrix = (values: Float64Array): Matrix => ({ rows, columns, data: values });
  if (kind === 'probabilities') return { probabilities: matrix(data) };
  return { probabilities: matrix(softmaxRows({ values: data, classes: columns })), decisions: matrix(data) };
}

function valuesOf(bytes: Uint8Array | undefined, { rows, columns, name }: ExpectedOutput): Float64Array {
  if (!bytes) throw invalid(name, 'the program succeeded, but did not write this file');
  try {
    const { data, shape } = decodeNpy(bytes, typeOf(bytes, name), 2, name);
    if (shape[0] !== rows || shape[1] !== columns) {
      throw invalid(name, `its shape is (${shape.join(', ')}), not (${rows}, ${columns}): test clips x classes`);
    }
    return Float64Array.from(data);
  } catch (error) {
    if (!(error instanceof CryfoldError) || error.code === 'COMMAND_OUTPUT_INVALID') throw error;
    throw invalid(name, error.message.replace(`${name}: `, ''));
  }
}

/** Returns float32 if the file contains float32, and otherwise float64, which the caller then requires. */
function typeOf(bytes: Uint8Array, name: string): NpyType & ('<f4' | '<f8') {
  try {
    return decodeNpyHeader(bytes, '<f4', 2, name).type as '<f4';
  } catch {
    return '<f8';
  }
}

function invalid(name: string, why: string, { hint }: { hint?: string } = {}): CryfoldError {
  return new CryfoldError('COMMAND_OUTPUT_INVALID', `${name}: ${why}`, {
    context: { file: name },
    hint:
      hint ?? 'In Python: numpy.save(file, numpy.ascontiguousarray(values, dtype="float64")), one row per test row.',
  });
}
