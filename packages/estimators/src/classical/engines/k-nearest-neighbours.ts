import { decodeNpy, decodeRecord, encodeNpy, encodeRecord, FOLD_NOTE } from '@cryfold/core';
import { z } from 'zod';
import type { Engine, EngineContext, Fold, FoldOutcome, Predictor } from '../../engine.js';
import { geometryOf } from './geometry.js';
import { crossDistances, matrixOf, rowsOf } from './rows.js';
import { readStoredRows, storedRowsFiles } from './stored-rows.js';

const FORMAT = 1;
const MODEL = 'neighbours.json';

const modelSchema = z.strictObject({
  format: z.literal(FORMAT),
  neighbours: z.int().min(1),
  weights: z.enum(['uniform', 'distance']),
  classes: z.int().min(1),
});

export interface NearestNeighboursOptions {
  neighbours: number;
  weights: 'uniform' | 'distance';
  standardise: boolean;
}

/** The rows that vote, and how they vote. */
interface Vote extends Omit<NearestNeighboursOptions, 'standardise'> {
  /** The class of each row */
  labels: Int32Array;
  classes: number;
}

/**
 * Returns the share of each class among the nearest rows. Among rows at equal distances, earlier rows come first.
 * @param distances squared distances from some clips to all rows that vote: clips x rows
 */
export function vote(distances: Float64Array, { neighbours, weights, labels, classes }: Vote): Float64Array {
  const rows = labels.length;
  const out = new Float64Array((distances.length / rows) * classes);
  for (let start = 0, to = 0; start < distances.length; start += rows, to += classes) {
    const own = distances.subarray(start, start + rows);
    const nearest = Array.from(own.keys())
      .sort((a, b) => own[a] - own[b] || a - b)
      .slice(0, neighbours);
    // If some rows are equal to the clip, only those rows count.
    const equal = own[nearest[0]] === 0;
    const weightOf = (row: number) =>
      weights === 'uniform' ? 1 : equal ? (own[row] === 0 ? 1 : 0) : 1 / Math.sqrt(own[row]);
    let sum = 0;
    for (const row of nearest) {
      out[to + labels[row]] += weightOf(row);
      sum += weightOf(row);
    }
    for (let k = 0; k < classes; k++) out[to + k] /= sum;
  }
  return out;
}

export class NearestNeighboursEngine implements Engine<NearestNeighboursOptions> {
  async fit(fold: Fold<NearestNeighboursOptions>, { data }: EngineContext): Promise<FoldOutcome> {
    const { parameters, train } = fold;
    const { neighbours, weights, standardise } = parameters;
    const { distances, rows, test, scaling, ...geometry } = await geometryOf(fold, data, standardise);
    const between = new Float64Array(test.length * train.length);
    for (let i = 0; i < test.length; i++) {
      const from = test[i] * distances.rows;
      for (let j = 0; j < train.length; j++) between[i * train.length + j] = distances.data[from + geometry.train[j]];
    }
    const labels = train.map((clip) => fold.labels[clip]);
    const classes = data.classes.length;
    const few = train.length < neighbours;
    return {
      probabilities: matrixOf(vote(between, { neighbours, weights, labels, classes }), classes),
      curve: [],
      environment: few ? { [FOLD_NOTE]: `all ${train.length} training clips are neighbours` } : {},
      model: async () => [
        [MODEL, encodeRecord({ format: FORMAT, neighbours, weights, classes })],
        ['labels.npy', encodeNpy(labels, [labels.length])],
        ...storedRowsFiles(rowsOf(await data.features(), train), scaling.factor),
      ],
    };
  }
}

/** @throws CryfoldError JOB_INVALID, NPY_INVALID, ARTIFACT_CORRUPT, FORMAT_NEWER */
export function loadNearestNeighbours(file: (name: string) => Uint8Array): Predictor {
  const { format: _, ...options } = decodeRecord(modelSchema, file(MODEL), MODEL);
  const labels = decodeNpy(file('labels.npy'), '<i4', 1, 'labels.npy').data;
  const { rows, factor } = readStoredRows(file, labels.length);
  return {
    predict: async (data, count) => ({
      probabilities: vote(crossDistances({ data, count, columns: rows.columns }, rows, factor), { ...options, labels }),
    }),
  };
}
