import { deriveSeed, FOLD_NOTE } from '@cryfold/core';
import { fitSvm, type SvmFit, type SvmParameters, type TrainingProblem } from '@cryfold/svm';
import type { Engine, EngineContext, Fold, FoldOutcome, Predictor } from '../../engine.js';
import { innerFolds } from '../../svm/inner-folds.js';
import { clusterFiles, type LocalMachine, predictClusters, predictStored, readClusters } from './cluster-model.js';
import { geometryOf } from './geometry.js';
import { kMeans } from './k-means.js';
import { MACHINES, matrixLabels, radialKernelData } from './machines.js';
import { matrixOf, presentClasses, type Rows, rowsOf } from './rows.js';

export interface ClusteringSvmOptions {
  clusters: number;
  C: number;
  gamma: SvmParameters['gamma'];
  standardise: boolean;
}

export class ClusteringSvmEngine implements Engine<ClusteringSvmOptions> {
  async fit(fold: Fold<ClusteringSvmOptions>, { data, onProgress }: EngineContext): Promise<FoldOutcome> {
    const { parameters, train, test, labels, seed, grouped } = fold;
    const { C, gamma, standardise } = parameters;
    const geometry = await geometryOf(fold, data, standardise);
    const { clusters, count } = kMeans(
      geometry.distances,
      geometry.train,
      parameters.clusters,
      deriveSeed(seed, 'clusters'),
    );
    const classes = data.classes.length;
    const kernelData = radialKernelData(geometry);
    const problem = {
      ...{ ...kernelData, labels: matrixLabels(geometry, labels, train), classCount: classes, seed },
      parameters: { ...MACHINES, kernel: 'rbf' as const, C, gamma },
    };
    const parts = Array.from({ length: count }, (_, c) => geometry.train.filter((_, i) => clusters[i] === c));
    // Inner folds use the labels and groups of the matrix rows.
    const groups = grouped ? Array.from(geometry.clips, (clip) => data.groups[clip]) : undefined;
    const machines = parts.map((own, c) => {
      const machine = fitMachine(problem, own, groups);
      onProgress(c + 1, count);
      return machine;
    });
    const centres = centresOf(
      geometry.rows,
      parts.map((own) => own.map((row) => geometry.clips[row])),
    );
    const { present: known } = presentClasses(labels, train);
    const model = { machines, known, classes, centres, factor: geometry.scaling.factor };
    const result = predictClusters(model, rowsOf(await data.features(), test), ({ fit }, positions) => {
      return { data: kernelData, rows: positions.map((i) => geometry.test[i]), fit: fit as SvmFit };
    });
    return {
      probabilities: matrixOf(result.probabilities, classes),
      decisions: matrixOf(result.decisions, classes),
      curve: [],
      environment: noteOn(machines),
      model: () => clusterFiles(model, geometry.rows, geometry.clips),
    };
  }
}

type Problem = Omit<TrainingProblem, 'train' | 'innerFolds'>;

/** @param own indices of the matrix rows that belong to the cluster */
function fitMachine(problem: Problem, own: Int32Array, groups: readonly string[] | undefined) {
  const { present } = presentClasses(problem.labels, own);
  const machine: LocalMachine & { note?: string } = { size: own.length, present };
  if (present.length < 2) return machine;
  const { folds, note } = innerFolds(problem.labels, own, problem.seed, groups);
  return { ...machine, note, fit: fitSvm({ ...problem, train: own, innerFolds: folds }) };
}

function noteOn(machines: readonly { note?: string }[]): Record<string, string> {
  const notes = machines.flatMap(({ note }) => note ?? []);
  if (notes.length === 0) return {};
  return { [FOLD_NOTE]: `in ${notes.length} of ${machines.length} clusters ${[...new Set(notes)].join('; ')}` };
}

/** Returns the centre of each cluster, which is the mean of its clips, as clusters x columns. */
function centresOf({ columns, data }: Rows, parts: readonly Int32Array[]): Float64Array {
  const out = new Float64Array(parts.length * columns);
  parts.forEach((clips, c) => {
    const own = out.subarray(c * columns, (c + 1) * columns);
    for (const clip of clips) for (let j = 0; j < columns; j++) own[j] += data[clip * columns + j];
    for (let j = 0; j < columns; j++) own[j] /= clips.length;
  });
  return out;
}

/** @throws CryfoldError JOB_INVALID, NPY_INVALID, ARTIFACT_CORRUPT, FORMAT_NEWER */
export function loadClusteringSvm(file: (name: string) => Uint8Array): Predictor {
  const model = readClusters(file);
  return { predict: async (data, count) => predictStored(model, { data, count, columns: model.rows.columns }) };
}
