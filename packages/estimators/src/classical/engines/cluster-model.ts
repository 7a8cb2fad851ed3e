import { CryfoldError, decodeNpy, decodeRecord, encodeNpy, encodeRecord } from '@cryfold/core';
import { type KernelData, predictFit, type SvmFit } from '@cryfold/svm';
import { z } from 'zod';
import type { ModelFiles } from '../../engine.js';
import { combinationSchema } from './machines.js';
import { crossDistances, type Rows } from './rows.js';
import { readStoredRows, storedRowsFiles } from './stored-rows.js';

/** Predicts for one cluster: with an SVM, or without one if all training clips of the cluster have the same class. */
export interface LocalMachine {
  /** Training clips */
  size: number;
  /** Their classes, ascending */
  present: number[];
  fit?: Pick<SvmFit, 'kernel' | 'rows' | 'weights' | 'biases' | 'combination'>;
}

/** The machines of all clusters, and what they share. */
export interface Clusters {
  machines: readonly LocalMachine[];
  /** All classes that have training clips in any cluster */
  known: number[];
  classes: number;
  /** clusters x columns, in the units of stored rows */
  centres: Float64Array;
  /** Factor by which each column is multiplied before distances are computed */
  factor: Float64Array;
}

export interface Predictions {
  /** Both rows x classes */
  probabilities: Float64Array;
  decisions: Float64Array;
}

/**
 * Predicts each row with the machine of the nearest centre. If a cluster lacks a class, the class gets a probability of
 * 1 / (clips + classes) there, by Laplace's rule of succession, so that it is never ruled out.
 * @param kernelOf returns the data from which the kernel between the given rows and a machine's rows is computed, and
 * the positions of these rows
 */
export function predictClusters(
  { machines, known, classes, centres, factor }: Clusters,
  rows: Rows,
  kernelOf: (machine: LocalMachine, positions: Int32Array) => { data: KernelData; rows: Int32Array; fit: SvmFit },
): Predictions {
  const probabilities = new Float64Array(rows.count * classes);
  const decisions = new Float64Array(rows.count * classes).fill(Number.NEGATIVE_INFINITY);
  const nearest = nearestCentres(rows, centres, factor);
  machines.forEach((machine, c) => {
    const positions = Int32Array.from(nearest.keys()).filter((i) => nearest[i] === c);
    if (positions.length === 0) return;
    const { size, present } = machine;
    const kernel = machine.fit && kernelOf(machine, positions);
    const own = kernel && predictFit(kernel.fit, kernel.data, kernel.rows);
    const rare = 1 / (size + known.length);
    const share = 1 - (known.length - present.length) * rare;
    positions.forEach((position, i) => {
      const at = position * classes;
      for (const label of known) probabilities[at + label] = rare;
      for (const label of present) {
        probabilities[at + label] = share * (own ? own.probabilities[i * classes + label] : 1);
        decisions[at + label] = own ? own.decisions[i * classes + label] : 0;
      }
    });
  });
  return { probabilities, decisions };
}

function nearestCentres({ count, columns, data }: Rows, centres: Float64Array, factor: Float64Array): Int32Array {
  return Int32Array.from({ length: count }, (_, i) => {
    let [best, least] = [0, Number.POSITIVE_INFINITY];
    for (let c = 0; c * columns < centres.length; c++) {
      let sum = 0;
      for (let j = 0, p = i * columns, q = c * columns; j < columns; j++, p++, q++) {
        sum += ((data[p] - centres[q]) * factor[j]) ** 2;
      }
      if (sum < least) [best, least] = [c, sum];
    }
    return best;
  });
}

const FORMAT = 1;
const MODEL = 'clusters.json';

const modelSchema = z.strictObject({
  format: z.literal(FORMAT),
  classes: z.int().min(1),
  known: z.array(z.int().min(0)).min(1),
  clusters: z
    .array(
      z.strictObject({
        size: z.int().min(1),
        present: z.array(z.int().min(0)).min(1),
        machine: z
          .strictObject({
            gamma: z.number(),
            biases: z.array(z.number()).min(1),
            /** Number of the machine's own rows in rows.npy */
            rows: z.int().min(0),
            combination: combinationSchema,
          })
          .optional(),
      }),
    )
    .min(1),
});

/**
 * Encodes the files of a model: clusters.json; rows.npy and factor.npy (the rows that machines compare clips with,
 * cluster by cluster); coefficients.npy (f8; for each cluster, machines x rows); centres.npy (f8, clusters x columns).
 * @param rows all clips
 * @param clips the clip in each matrix row; fits refer to clips by matrix row
 */
export function clusterFiles(model: Clusters, rows: Rows, clips: Int32Array): ModelFiles {
  const { machines, known, classes, centres, factor } = model;
  const { columns, data } = rows;
  const kept = machines.map(({ fit }) =>
    fit ? Array.from(fit.rows.keys()).filter((t) => fit.weights.some((weights) => weights[t] !== 0)) : [],
  );
  const used = machines.flatMap(({ fit }, c) => (fit ? kept[c].map((t) => clips[fit.rows[t]]) : []));
  const length = used.length * columns;
  const stored = data instanceof Uint8Array ? new Uint8Array(length) : new Float32Array(length);
  used.forEach((clip, i) => {
    stored.set(data.subarray(clip * columns, (clip + 1) * columns), i * columns);
  });
  const coefficients = machines.flatMap(({ fit }, c) =>
    fit ? fit.weights.flatMap((weights) => kept[c].map((t) => weights[t])) : [],
  );
  const clusters = machines.map(({ size, present, fit }, c) => ({
    ...{ size, present },
    ...(fit && {
      machine: {
        ...{ gamma: fit.kernel.gamma, biases: fit.biases, rows: kept[c].length, combination: fit.combination },
      },
    }),
  }));
  return [
    [MODEL, encodeRecord({ format: FORMAT, classes, known, clusters })],
    ['centres.npy', encodeNpy(centres, [machines.length, columns])],
    ['coefficients.npy', encodeNpy(Float64Array.from(coefficients), [coefficients.length])],
    ...storedRowsFiles({ count: used.length, columns, data: stored }, factor),
  ];
}

/** A self-contained model, whose fits refer to rows of `rows`. */
export interface StoredClusters extends Clusters {
  rows: Rows;
}

/** @throws CryfoldError JOB_INVALID, NPY_INVALID, ARTIFACT_CORRUPT, FORMAT_NEWER */
export function readClusters(file: (name: string) => Uint8Array): StoredClusters {
  const { classes, known, clusters } = decodeRecord(modelSchema, file(MODEL), MODEL);
  const count = clusters.reduce((sum, { machine }) => sum + (machine?.rows ?? 0), 0);
  const { rows, factor } = readStoredRows(file, count);
  const centres = decodeNpy(file('centres.npy'), '<f8', 2, 'centres.npy').data;
  const coefficients = decodeNpy(file('coefficients.npy'), '<f8', 1, 'coefficients.npy').data;
  const wanted = clusters.reduce((sum, { machine }) => sum + (machine ? machine.rows * machine.biases.length : 0), 0);
  if (centres.length !== clusters.length * rows.columns || coefficients.length !== wanted) {
    throw new CryfoldError('ARTIFACT_CORRUPT', `${MODEL} does not match its arrays`, {
      context: { artifact: MODEL },
      hint: 'Train the model again.',
    });
  }
  let [row, at] = [0, 0];
  const machines = clusters.map(({ size, present, machine }): LocalMachine => {
    if (!machine) return { size, present };
    const own = Int32Array.from({ length: machine.rows }, (_, i) => row + i);
    const weights = machine.biases.map((_, m) =>
      coefficients.slice(at + m * machine.rows, at + (m + 1) * machine.rows),
    );
    row += machine.rows;
    at += machine.rows * machine.biases.length;
    const { gamma, biases, combination } = machine;
    const kernel = { kind: 'rbf' as const, gamma, degree: 3, coef0: 0 };
    return { size, present, fit: { kernel, rows: own, weights, biases, combination } };
  });
  return { machines, known, classes, centres, factor, rows };
}

/** Predicts rows that are not part of the training data. */
export function predictStored(model: StoredClusters, given: Rows): Predictions {
  const { columns } = model.rows;
  const part = ({ data }: Rows, positions: Int32Array): Rows => {
    const length = positions.length * columns;
    const out = data instanceof Uint8Array ? new Uint8Array(length) : new Float32Array(length);
    positions.forEach((position, i) => {
      out.set(data.subarray(position * columns, (position + 1) * columns), i * columns);
    });
    return { count: positions.length, columns, data: out };
  };
  return predictClusters(model, given, ({ fit }, positions) => {
    const machine = fit as SvmFit;
    const support = machine.rows.length;
    const between = crossDistances(part(given, positions), part(model.rows, machine.rows), model.factor);
    // The kernel reads only the distances between the given rows and the machine's rows, so the rest of the matrix
    // stays empty.
    const rows = positions.length + support;
    const data = new Float64Array(positions.length * rows);
    positions.forEach((_, i) => {
      data.set(between.subarray(i * support, (i + 1) * support), i * rows + positions.length);
    });
    const none = new Float64Array(rows);
    return {
      data: { distances: { rows, columns, data }, moments: { sum: none, sumSquares: none }, columns },
      rows: Int32Array.from(positions, (_, i) => i),
      fit: { ...machine, rows: Int32Array.from({ length: support }, (_, i) => positions.length + i) },
    };
  });
}
