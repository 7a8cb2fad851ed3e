import { CryfoldError, deriveSeed, type EpochPoint, Random, sha256 } from '@cryfold/core';
import {
  type Artifacts,
  type Engine,
  type EngineContext,
  type EngineSettings,
  kindOf,
  LastValue,
  type Matrix,
  type TrainingData,
} from '@cryfold/estimators';
import { argmaxRows } from '@cryfold/evaluation';
import { finalLoss } from '@cryfold/plan';
import type { RunStore } from '@cryfold/store';
import type { FoldOutput, FoldTask, Task } from './messages.js';

export interface TaskObserver {
  onProgress: (done: number, total: number) => void;
  onEpoch: (point: EpochPoint) => void;
  onGroup?: (id: number | undefined) => void;
}

/**
 * Runs tasks for all kinds of estimators in this process. The engine for a kind is loaded when the first task for it
 * arrives.
 */
export class TaskRunner {
  readonly #settings: EngineSettings;
  readonly #engines = new Map<string, Promise<Engine<never>>>();
  readonly #data = new LastValue<TrainingData>();

  constructor(settings: EngineSettings) {
    this.#settings = settings;
  }

  /** @returns undefined for a task that only prepares an artifact */
  async run(task: Task, store: RunStore, observer: TaskObserver): Promise<FoldOutput | undefined> {
    const engine = await this.#engine(task.estimator.kind);
    const data = await this.#data.get([task.dataset, task.features, task.vectors], () => readData(store, task));
    const context = { data, artifacts: store.artifacts, cacheDirectory: task.cacheDir, ...observer };
    if (task.kind === 'fold') return runFold(engine, task, context);
    await engine.prepare?.(task.estimator as never, task.artifact, context);
    return undefined;
  }

  #engine(kind: string): Promise<Engine<never>> {
    let engine = this.#engines.get(kind);
    if (!engine) {
      engine = kindOf({ kind }).loadEngine(this.#settings);
      this.#engines.set(kind, engine);
    }
    return engine;
  }
}

async function runFold(engine: Engine<never>, task: FoldTask, context: EngineContext): Promise<FoldOutput> {
  const { data } = context;
  const { estimator, seed, grouped, prerequisite, checkpoint, model } = task;
  const test = Int32Array.from(task.test);
  const outcome = await engine.fit(
    {
      ...{ parameters: estimator as never, train: Int32Array.from(task.train), test },
      ...{ labels: trainingLabels(data.labels, task), seed, grouped, prerequisite, checkpoint },
      keepModel: model !== undefined,
    },
    context,
  );
  const { probabilities, decisions, curve, environment } = outcome;
  const keep = model && (test.length === 0 || finalLoss({ curve }) <= model.atMost);
  return {
    ...{ probabilities, ...(decisions && { decisions }), curve, environment },
    accuracy: accuracyOf(decisions ?? probabilities, data.labels, test),
    // The child writes the files itself, because large networks exceed the maximum size of messages.
    ...(keep &&
      outcome.model && { model: await saveModelFiles(context.artifacts, model.folder, await outcome.model()) }),
  };
}

async function readData(store: RunStore, { dataset, features, vectors, decibels }: Task): Promise<TrainingData> {
  const { classes, clips } = await store.datasets.manifest(dataset);
  const read = async (key: string) => {
    const rows = await store.datasets.features(key);
    if (rows.shape[0] !== clips.length) throw wrongRows(key, rows.shape[0], clips.length);
    return rows;
  };
  const index = new Map(classes.map((label, i) => [label, i]));
  return {
    classes,
    labels: Int32Array.from(clips, ({ label }) => index.get(label) ?? -1),
    groups: clips.map(({ group }) => group),
    featureKey: features,
    features: () => read(features),
    decibels,
    ...(vectors !== undefined && { vectors: () => read(vectors) }),
  };
}

function wrongRows(features: string, rows: number, clips: number): CryfoldError {
  const key = `features/${features}`;
  return new CryfoldError('ARTIFACT_CORRUPT', `${key}: ${rows} rows, but the dataset has ${clips} clips`, {
    context: { key, rows, clips },
    hint: 'Delete this artifact, and run the spec with --data again.',
  });
}

/** Returns the labels with which a fold is trained. If requested, shuffles the labels of the training rows. */
export function trainingLabels(
  labels: Int32Array,
  { train, seed, shuffled }: Pick<FoldTask, 'train' | 'seed' | 'shuffled'>,
): Int32Array {
  if (!shuffled) return labels;
  const random = new Random(deriveSeed(seed, 'shuffled labels'));
  const own = labels.slice();
  for (let i = train.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [own[train[i]], own[train[j]]] = [own[train[j]], own[train[i]]];
  }
  return own;
}

/**
 * Returns the accuracy: the share of rows whose predicted class is correct. The predicted class is the one with the
 * largest score, or the first of several classes with equally large scores. Rows are in the order of `test`.
 */
function accuracyOf({ rows, columns, data }: Matrix, labels: Int32Array, test: Int32Array): number | undefined {
  if (rows === 0) return undefined;
  return argmaxRows(data, columns).filter((best, row) => best === labels[test[row]]).length / rows;
}

/** Writes the files of a trained model, and returns their keys and hashes. */
async function saveModelFiles(
  store: Artifacts,
  folder: string,
  files: Iterable<readonly [string, Uint8Array]>,
): Promise<{ key: string; sha256: string }[]> {
  const artifacts: { key: string; sha256: string }[] = [];
  for (const [name, bytes] of files) {
    const key = `${folder}${name}`;
    await store.put(key, bytes);
    artifacts.push({ key, sha256: sha256(bytes) });
  }
  return artifacts;
}
