import { readFileSync } from 'node:fs';
import type { EngineContext, Fold, FoldOutcome, TrainingData } from '../src/engine.js';
import { estimatorSchema, kindOf } from '../src/registry.js';

/** A data set from scripts/goldens/classical.py; every fourth row is a test clip. */
export interface DataSet {
  grey: boolean;
  columns: number;
  rows: number[];
  labels: number[];
}

/** scikit-learn's results for the test rows. */
export interface Case {
  data: string;
  kind: string;
  parameters: Record<string, unknown>;
  answers: number[];
}

/** scikit-learn's k-means result for the training rows of a data set. */
export interface ClusteringCase {
  data: string;
  starts: number[];
  clusters: number[];
  inertia: number;
}

/** Compiled tests run from dist/test. */
const url = new URL('../../test/goldens/classical.json', import.meta.url);
export const goldens = JSON.parse(readFileSync(url, 'utf8')) as {
  data: Record<string, DataSet>;
  cases: Case[];
  clusterings: ClusteringCase[];
};

export const casesOf = (kind: string) =>
  goldens.cases
    .filter((one) => one.kind === kind)
    .map((one) => ({ ...one, name: `${one.data} ${JSON.stringify(one.parameters)}` }));

let made = 0;

export function trainingData(
  { grey, columns, rows, labels }: DataSet,
  classes = Math.max(...labels) + 1,
): TrainingData & { train: Int32Array; test: Int32Array } {
  const data = grey ? Uint8Array.from(rows) : Float32Array.from(rows);
  const all = Int32Array.from(labels, (_, i) => i);
  return {
    classes: Array.from({ length: classes }, (_, k) => `class ${k}`),
    labels: Int32Array.from(labels),
    groups: labels.map((_, i) => `group ${i % 11}`),
    featureKey: `set-${++made}`,
    features: async () => ({ shape: grey ? [labels.length, 1, columns / 3, 3] : [labels.length, columns], data }),
    train: all.filter((i) => i % 4 !== 0),
    test: all.filter((i) => i % 4 === 0),
  };
}

/** Trains an estimator on one fold. */
export async function fit(
  entry: { kind: string } & Record<string, unknown>,
  data: ReturnType<typeof trainingData>,
  changes: Partial<Fold<unknown>> = {},
): Promise<FoldOutcome> {
  const parameters = estimatorSchema.parse(entry);
  const engine = await kindOf(entry).loadEngine({ threads: 1 });
  const context: EngineContext = {
    data,
    artifacts: { get: async () => undefined, open: async () => undefined, put: async () => {} },
    cacheDirectory: '',
    onProgress: () => {},
    onEpoch: () => {},
  };
  const fold = {
    ...{ parameters, train: data.train, test: data.test, labels: data.labels, seed: 1, grouped: false },
    ...{ prerequisite: undefined, checkpoint: undefined, keepModel: true },
  };
  return engine.fit({ ...fold, ...changes } as Fold<never>, context);
}

/** Predicts the test clips with the model that a fold has kept. */
export async function predictAgain(
  kind: string,
  { model }: FoldOutcome,
  { features, test }: ReturnType<typeof trainingData>,
): Promise<{ probabilities: Float64Array; decisions?: Float64Array }> {
  const files = new Map((await model?.()) ?? []);
  const predictor = await kindOf({ kind }).loadPredictor?.((name) => files.get(name) as Uint8Array, {});
  const { data, shape } = await features();
  const columns = data.length / shape[0];
  const rows = data.slice(0, test.length * columns);
  test.forEach((clip, i) => {
    rows.set(data.subarray(clip * columns, (clip + 1) * columns), i * columns);
  });
  if (!predictor) throw new Error(`${kind} has no predictor`);
  return predictor.predict(rows, test.length);
}

export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  return Array.from(a).reduce((most, value, i) => Math.max(most, value === b[i] ? 0 : Math.abs(value - b[i])), 0);
}
