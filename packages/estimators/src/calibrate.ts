import { deriveSeed, Random } from '@cryfold/core';
import type { Artifacts, Engine, EngineContext, EngineSettings, FeatureArray, TrainingData } from './engine.js';
import type { AnyKind } from './estimator-kind.js';
import { type Estimator, kindOf } from './registry.js';

/** A short training task that measures the speed of this machine. */
export interface CalibrationTask {
  /** Name in the spec */
  name: string;
  estimator: Estimator;
  /** Shape of one clip's row */
  shape: readonly number[];
  /** Whether rows are float vectors rather than images */
  vectors: boolean;
  /** Length of the additional vectors, if the estimator reads any */
  besides?: number;
  classes: number;
}

export interface CalibrationOptions {
  settings: EngineSettings;
  /** Milliseconds after which no new task starts. A running task still completes its measurement */
  budgetMs: number;
  /** Called whenever the estimate improves, with the seconds per unit of the kind's cost */
  measured: (name: string, secondsPerUnit: number) => void;
}

/**
 * Minimum and maximum number of training clips for a network. An epoch is one batch, whose size is chosen so that the
 * epoch typically takes `EPOCH_SECONDS`.
 */
const EPOCH_CLIPS = { least: 8, most: 50 };
const EPOCH_SECONDS = 0.5;
/** Number of training clips for all other kinds */
const WHOLE_CLIPS = 300;
/** Number of test clips per training clip, as in a protocol with five folds */
const TEST_SHARE = 0.25;
/** More epochs than the time allows, so that the time determines when training stops */
const ENDLESS = 100_000;
/** Milliseconds for a task, not counting the two fits or epochs that every measurement needs */
const SHARE_MS = 1000;

/** Thrown to stop training when its time is up. */
class Enough extends Error {}

/**
 * Measures the speed of each task by training it on synthetic clips, cheap kinds first. If a task fails, estimates for
 * its kind keep using the typical speed. Kinds that run programs from the spec are skipped.
 */
export async function calibrate(tasks: readonly CalibrationTask[], options: CalibrationOptions): Promise<void> {
  const end = performance.now() + options.budgetMs;
  const expected = ({ estimator }: CalibrationTask) => {
    const kind = kindOf(estimator);
    return (kind.typicalSeconds ?? 0) * kind.cost(shortened(kind, estimator, 1), clipsOf(kind, estimator));
  };
  // The time of a user's program says little about this machine, and `plan` never starts one.
  const queue = tasks
    .filter(({ estimator }) => !kindOf(estimator).runsCommands)
    .sort((a, b) => expected(a) - expected(b));
  for (const task of queue) {
    const left = end - performance.now();
    if (left <= 0) return;
    await calibrateOne(task, options, Math.min(left, SHARE_MS)).catch(() => {});
  }
}

/** @param ms time after which no further fit or epoch starts; the first two always run */
async function calibrateOne(
  { name, estimator, shape, vectors, besides, classes }: CalibrationTask,
  { settings, measured }: CalibrationOptions,
  ms: number,
): Promise<void> {
  const kind = kindOf(estimator);
  const clips = clipsOf(kind, estimator);
  const parameters = shortened(kind, estimator, kind.epochs ? ENDLESS : 1);
  const unit = kind.cost(shortened(kind, estimator, 1), clips);
  const engine = (await kind.loadEngine(settings)) as Engine<unknown>;
  const count = clips + Math.max(classes, Math.round(TEST_SHARE * clips));
  const times: number[] = [];
  let end = Number.POSITIVE_INFINITY;
  const note = (seconds: number) => {
    times.push(seconds);
    // The first duration is left out, since it includes one-time preparation and would be far too long.
    const counted = times.slice(1).sort((a, b) => a - b);
    if (counted.length === 0) return;
    measured(name, counted[Math.floor(counted.length / 2)] / unit);
    if (performance.now() > end) throw new Enough();
  };
  const context: EngineContext = {
    data: inventedData(count, { shape, vectors, besides, classes }),
    artifacts: inMemory(),
    cacheDirectory: '',
    onProgress: () => {},
    onEpoch: ({ seconds }) => note(seconds),
  };
  const { featureKey } = context.data;
  const needed = kind.prerequisite?.(parameters, {
    featureKey,
    produces: vectors ? 'vectors' : 'images',
    ...settings,
    xla: settings.xla ?? false,
    grouped: false,
  });
  if (needed) await engine.prepare?.(parameters, needed.artifact, context);
  const all = Int32Array.from({ length: count }, (_, i) => i);
  const fold = {
    ...{ parameters, train: all.slice(0, clips), test: all.slice(clips), labels: context.data.labels },
    ...{ seed: 1, grouped: false, prerequisite: needed?.artifact, checkpoint: undefined, keepModel: false },
  };
  end = performance.now() + ms;
  do {
    const start = performance.now();
    await engine.fit(fold, context);
    if (!kind.epochs) note((performance.now() - start) / 1000);
  } while (times.length < 2 || performance.now() < end);
}

function clipsOf(kind: AnyKind, estimator: Estimator): number {
  if (!kind.epochs) return WHOLE_CLIPS;
  const { least, most } = EPOCH_CLIPS;
  const clipSeconds = (kind.typicalSeconds ?? 0) * kind.cost(shortened(kind, estimator, 1), 1);
  const clips = Math.min(most, Math.max(least, Math.round(EPOCH_SECONDS / clipSeconds)));
  return 'batchSize' in estimator ? Math.min(estimator.batchSize, clips) : clips;
}

/**
 * Returns the estimator with this number of epochs and with random weights, because pretrained weights would have to be
 * read first.
 */
function shortened(kind: AnyKind, estimator: Estimator, epochs: number): Estimator {
  const random = kind.pretrained ? kind.pretrained.withSource(estimator, 'random') : estimator;
  return kind.epochs ? kind.epochs.with(random, epochs) : random;
}

/** Synthetic data: noise with a pattern for each class, so that the classes can be learnt, but not too easily. */
function inventedData(
  count: number,
  {
    shape,
    vectors,
    besides,
    classes,
  }: Pick<CalibrationTask, 'shape' | 'vectors' | 'classes'> & {
    besides: number | undefined;
  },
): TrainingData {
  const random = new Random(deriveSeed('calibration'));
  const size = shape.reduce((product, one) => product * one, 1);
  const patterns = Array.from({ length: classes }, () => Uint8Array.from({ length: size }, () => random.below(96)));
  const labels = Int32Array.from({ length: count }, (_, i) => i % classes);
  const data = vectors ? new Float32Array(count * size) : new Uint8Array(count * size);
  for (let i = 0; i < count; i++) {
    const pattern = patterns[labels[i]];
    for (let j = 0; j < size; j++) {
      // Grey pixels, because augmentations expect the colour scale.
      const isCopy = !vectors && j % 3 > 0;
      data[i * size + j] = isCopy ? data[i * size + j - 1] : pattern[j] + random.below(160);
    }
  }
  const features: FeatureArray = { shape: [count, ...shape], data };
  return {
    classes: patterns.map((_, c) => `class ${c}`),
    labels,
    groups: Array.from(labels, (_, i) => `${i}`),
    featureKey: `calibration-${size}-${count}`,
    features: async () => features,
    ...(besides !== undefined && {
      vectors: async () => ({
        shape: [count, besides],
        data: Float32Array.from({ length: count * besides }, () => random.normal()),
      }),
    }),
  };
}

function inMemory(): Artifacts {
  const kept = new Map<string, Uint8Array>();
  return {
    get: async (key) => kept.get(key),
    open: async () => undefined,
    put: async (key, bytes) => {
      kept.set(key, bytes);
    },
  };
}
