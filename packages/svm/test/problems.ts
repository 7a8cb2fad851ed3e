import { readFileSync } from 'node:fs';
import { CryfoldError, type ErrorCode } from '@cryfold/core';
import { pixelMoments, squaredDistances } from '../src/distances.js';
import type { SvmProblem } from '../src/fit-predict.js';
import type { SvmParameters } from '../src/index.js';
import { fillSpace, type Kernel } from '../src/kernel.js';
import type { BinaryProblem } from '../src/smo.js';
import { plainSpace, type SolverSpace } from '../src/solver-space.js';

/** A data set from scripts/goldens/svm.py, with grey levels in base64 and the indices of the training and test rows. */
export interface DataSet {
  name: string;
  columns: number;
  pixels: string;
  labels: number[];
  train: number[];
  test: number[];
}

/** The defaults of a spec's `svm`. */
const DEFAULTS: SvmParameters = {
  ...{ kernel: 'rbf', C: 1000, gamma: 'scale', degree: 3, coef0: 0, classWeight: 'none' },
  ...{ strategy: 'one-vs-rest', calibration: 'platt', tolerance: 1e-3, engine: 'cryfold' },
};

/** Returns the test cases in a file that scripts/goldens/svm.py wrote. Compiled tests run from dist/test. */
export function goldens<T>(name: string): T[] {
  const url = new URL(`../../test/goldens/${name}`, import.meta.url);
  return (JSON.parse(readFileSync(url, 'utf8')) as { cases: T[] }).cases;
}

export function problemOf(data: DataSet, parameters: Partial<SvmParameters> = {}): SvmProblem {
  const images = imagesOf(data);
  const rows = data.labels.length;
  return {
    distances: squaredDistances(images, rows, data.columns),
    moments: pixelMoments(images, rows, data.columns),
    columns: data.columns,
    labels: Int32Array.from(data.labels),
    classCount: Math.max(...data.labels) + 1,
    train: Int32Array.from(data.train),
    test: Int32Array.from(data.test),
    innerFolds: Int32Array.from(data.train, (_, k) => k % 5),
    parameters: { ...DEFAULTS, ...parameters },
    seed: 1,
  };
}

export function imagesOf({ pixels }: DataSet): Uint8Array {
  return new Uint8Array(Buffer.from(pixels, 'base64'));
}

/** The two-class problem of one class against the rest, on all training rows. */
export function binaryOf(
  problem: SvmProblem,
  kernel: Kernel,
  positive: number,
  tolerance: number,
  space: SolverSpace = plainSpace(problem.train.length),
): BinaryProblem {
  fillSpace(space, problem, kernel, problem.train);
  return {
    space,
    signs: Int8Array.from(problem.train, (row) => (problem.labels[row] === positive ? 1 : -1)),
    upper: new Float64Array(problem.train.length).fill(problem.parameters.C),
    tolerance,
  };
}

export const rbf = (gamma: number): Kernel => ({ kind: 'rbf', gamma, degree: 3, coef0: 0 });

export const argmax = (row: ArrayLike<number>) => Array.from(row).indexOf(Math.max(...Array.from(row)));

export const rowsOf = (matrix: Float64Array, columns: number) =>
  Array.from({ length: matrix.length / columns }, (_, i) => matrix.subarray(i * columns, (i + 1) * columns));

export const coded = (code: ErrorCode) => (error: unknown) => error instanceof CryfoldError && error.code === code;
