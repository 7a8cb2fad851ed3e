import { setImmediate } from 'node:timers/promises';
import {
  CanonicalText,
  CryfoldError,
  contentKey,
  decodeRecord,
  deriveSeed,
  encodeRecord,
  LIMITS,
  sha256,
} from '@cryfold/core';
import { type Estimator, kindOf, queueOf, type RunSettings } from '@cryfold/estimators';
import { isGrouped } from '@cryfold/evaluation';
import { type FeatureSet, featureKindOf } from '@cryfold/features/kinds';
import { z } from 'zod';
import { featuresOf, vectorsKeyOf } from './feature-sets.js';
import { nestedMembers } from './inner-folds.js';
import { type DatasetManifest, hex, labels } from './manifest.js';
import { PLAN_FORMATS, planFormat } from './plan-format.js';
import { type Spec, specSchema } from './spec-schema.js';

/**
 * Incremented when a code change alters the meaning of a fold's result, so that old results are no longer found.
 */
export const FOLD_FORMAT = 1;

/**
 * Checked in one loop. If a schema checked each number, checking millions of indices would take longer than the rest of
 * reading a plan.
 */
const indices = z.custom<number[]>(
  (value) => Array.isArray(value) && value.every((index) => Number.isSafeInteger(index) && index >= 0),
  'not a list of clips',
);

const planSchema = z.strictObject({
  format: z.literal(PLAN_FORMATS),
  run: z.string().regex(/^[a-z0-9][a-z0-9-]*$/),
  spec: specSchema,
  dataset: z.strictObject({ key: hex, name: z.string(), clips: z.int().max(LIMITS.clips), classes: labels }),
  /** Content keys of the default feature set and of the others, by name */
  features: z.strictObject({ key: hex, sets: z.record(z.string(), hex).optional() }),
  splits: z.array(
    z.strictObject({
      repeat: z.int(),
      fold: z.int(),
      train: indices,
      test: indices,
      /**
       * Only for a split inside another split, which is used to select trials or to train a nested fusion: the outer
       * split, and the number of this split within it
       */
      outer: z.int().min(0).optional(),
      inner: z.int().min(0).optional(),
    }),
  ),
  jobs: z.array(
    z.strictObject({
      key: hex,
      trial: z.string(),
      queue: z.enum(['gpu', 'cpu']),
      split: z.int(),
      seed: z.int(),
      /** For a fold on shuffled labels: the number of the shuffle, from 0. */
      shuffle: z.int().min(0).optional(),
    }),
  ),
});

/** Everything that a run will do. A plan is stored once and never changed. `split` is an index into `splits`. */
export type RunPlan = z.infer<typeof planSchema>;
export type FoldJob = RunPlan['jobs'][number];

export interface PlanInput {
  spec: Spec;
  manifest: DatasetManifest;
  /** Inner splits come after all others. */
  splits: readonly PlannedSplit[];
}

export interface PlannedSplit {
  repeat: number;
  fold: number;
  train: Int32Array;
  test: Int32Array;
  outer?: number;
  inner?: number;
}

/** Returns the key of a dataset's feature set, which depends on the clips and on how their features are computed. */
export function featuresKey(features: FeatureSet, datasetKey: string): string {
  const deciding = featureKindOf(features).keyed?.(features) ?? features;
  return contentKey({ features: deciding, dataset: datasetKey, format: FOLD_FORMAT });
}

/** Returns the key of the feature set that an estimator of a plan reads. */
export function featureKeyOf({ features, spec }: Pick<RunPlan, 'features' | 'spec'>, trial: string): string {
  const { features: name } = spec.estimators[trial];
  return (name !== undefined && features.sets?.[name]) || features.key;
}

/** Returns every feature set of a plan by key. */
export function plannedFeatures({ features, spec }: Pick<RunPlan, 'features' | 'spec'>): Map<string, FeatureSet> {
  const sets = new Map([[features.key, spec.features]]);
  for (const [name, set] of Object.entries(spec.featureSets ?? {})) sets.set(features.sets?.[name] ?? '', set);
  return sets;
}

/**
 * Returns the part of an estimator that becomes part of a fold's key. The names of its feature sets are left out, since
 * the key of the features identifies them.
 */
function keyTextOf(estimator: Estimator): CanonicalText {
  const { features: _, vectors: __, ...parameters } = estimator as Estimator & { vectors?: string };
  return new CanonicalText(kindOf(estimator).keyed?.(parameters) ?? parameters);
}

function indexHash(values: Int32Array): string {
  return sha256(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
}

/** Returns what a plan specifies for one of its estimators. */
export function settingsOf(plan: Pick<RunPlan, 'features' | 'spec'>, trial: string): RunSettings {
  const { spec } = plan;
  const features = featuresOf(spec, trial);
  const { produces, decibels } = featureKindOf(features);
  return {
    featureKey: featureKeyOf(plan, trial),
    vectorsKey: vectorsKeyOf(plan, trial),
    produces,
    decibels: decibels?.(features),
    threads: spec.threads,
    xla: spec.xla ?? false,
    grouped: isGrouped(spec.protocol.splitter),
  };
}

/**
 * Returns the identity of a fold's result: the data, the features, the indices, the estimator, the seed, whether labels
 * are shuffled, everything else that the estimator's kind declares relevant, and `FOLD_FORMAT`. The identity does not
 * include the name of the trial, so that trials and runs with equal folds share the results.
 */
function foldKey(
  spec: Spec,
  { estimator, text, settings }: KeyedEstimator,
  { train, test, shuffle }: { train: string; test: string; shuffle?: number },
): string {
  return contentKey({
    format: FOLD_FORMAT,
    features: settings.featureKey,
    vectors: settings.vectorsKey,
    train,
    test,
    estimator: text,
    seed: spec.seed,
    shuffle,
    ...kindOf(estimator).keyParts(settings),
  });
}

/** The part of an estimator that becomes part of its folds' keys. */
interface KeyedEstimator {
  estimator: Estimator;
  text: CanonicalText;
  settings: RunSettings;
}

function keyedEstimator(plan: Pick<RunPlan, 'features' | 'spec'>, trial: string): KeyedEstimator {
  const estimator = plan.spec.estimators[trial];
  return { estimator, text: keyTextOf(estimator), settings: settingsOf(plan, trial) };
}

/** Returns the identity of an estimator trained on all clips of a run, as `foldKey` does for a fold's result. */
export function finalKey(plan: RunPlan, trial: string): string {
  const all = indexHash(Int32Array.from({ length: plan.dataset.clips }, (_, i) => i));
  return foldKey(plan.spec, keyedEstimator(plan, trial), { train: all, test: indexHash(new Int32Array()) });
}

interface WantedJob {
  split: number;
  trial: string;
  shuffle?: number;
}

/** Adds jobs for some of the plan's estimators on some of its splits. */
export function addJobs(plan: RunPlan, wanted: readonly WantedJob[]): void {
  finish(addingJobs(plan, wanted));
}

/** Work that is divided into steps of a few milliseconds. Between steps, the caller may yield to the event loop. */
type Steps<T> = Generator<void, T>;

/** Number of jobs between two yields, and number of clips to hash or copy. */
const JOBS_A_STEP = 500;
const CLIPS_A_STEP = 500_000;

function* addingJobs(plan: RunPlan, wanted: readonly WantedJob[]): Steps<void> {
  const { spec } = plan;
  const hashes = new Map<number, { train: string; test: string }>();
  const estimators = new Map<string, KeyedEstimator>();
  let hashed = 0;
  for (const { split, trial, shuffle } of wanted) {
    let hash = hashes.get(split);
    if (!hash) {
      const { train, test } = plan.splits[split];
      hash = { train: indexHash(new Int32Array(train)), test: indexHash(new Int32Array(test)) };
      hashes.set(split, hash);
      hashed += train.length + test.length;
    }
    const named = estimators.get(trial) ?? keyedEstimator(plan, trial);
    estimators.set(trial, named);
    const key = foldKey(spec, named, { ...hash, ...(shuffle === undefined ? {} : { shuffle }) });
    const queue = queueOf(named.estimator);
    const seed = deriveSeed(key, 'fold');
    plan.jobs.push({ key, trial, queue, split, seed, ...(shuffle === undefined ? {} : { shuffle }) });
    if (hashed < CLIPS_A_STEP && plan.jobs.length % JOBS_A_STEP !== 0) continue;
    hashed = 0;
    yield;
  }
}

function finish<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/**
 * Computes the splits, and the key and queue of every fold job. The jobs of searched estimators depend on the decisions
 * of the sweep (see `growPlan`). The id of the run is derived from its content, so that the same command results in the
 * same run.
 */
export function planRun(input: PlanInput): RunPlan {
  return finish(planning(input));
}

/** Like `planRun`, but for a process that must remain responsive in the meantime. */
export async function planRunInSteps(input: PlanInput): Promise<RunPlan> {
  const steps = planning(input);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    await setImmediate();
  }
}

function mapValues<A, B>(record: Record<string, A>, map: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value)]));
}

function* planning({ spec, manifest, splits }: PlanInput): Steps<RunPlan> {
  const plan: RunPlan = {
    format: planFormat(spec),
    run: '',
    spec,
    dataset: {
      key: manifest.contentHash,
      name: manifest.name,
      clips: manifest.clips.length,
      classes: manifest.classes,
    },
    features: {
      key: featuresKey(spec.features, manifest.contentHash),
      ...(spec.featureSets && { sets: mapValues(spec.featureSets, (set) => featuresKey(set, manifest.contentHash)) }),
    },
    splits: [],
    jobs: [],
  };
  let copied = 0;
  for (const { train, test, ...rest } of splits) {
    plan.splits.push({ ...rest, train: [...train], test: [...test] });
    copied += train.length + test.length;
    if (copied < CLIPS_A_STEP) continue;
    copied = 0;
    yield;
  }
  yield* addingJobs(plan, wantedJobs(spec, splits));
  const { priority: _, maxParallel: __, ...evaluated } = spec;
  const identity = contentKey({
    spec: evaluated,
    dataset: manifest.contentHash,
    jobs: plan.jobs.map((job) => job.key),
    // The jobs of a sweep are not known in advance, so its splits are used instead.
    ...(spec.search ? { splits: contentKey(plan.splits) } : {}),
  });
  return { ...plan, run: `${spec.name}-${identity.slice(0, 12)}` };
}

/**
 * Lists the jobs of all estimators that are not searched. First, each estimator is trained on every outer split, and in
 * the first repeat also on shuffled labels; then, the members of nested fusions are trained on every inner split.
 */
function wantedJobs(spec: Spec, splits: readonly PlannedSplit[]): WantedJob[] {
  const searched = new Set(Object.keys(spec.search?.space ?? {}));
  const trials = Object.keys(spec.estimators).filter((name) => !searched.has(name));
  const wanted: WantedJob[] = [];
  for (const [split, { repeat, outer }] of splits.entries()) {
    if (outer !== undefined) continue;
    for (const trial of trials) {
      wanted.push({ split, trial });
      if (repeat > 0) continue;
      for (let shuffle = 0; shuffle < (spec.nulls ?? 0); shuffle++) wanted.push({ split, trial, shuffle });
    }
  }
  const nested = nestedMembers(spec);
  const members = trials.filter((name) => nested.has(name));
  for (const [split, { outer }] of splits.entries()) {
    if (outer !== undefined) wanted.push(...members.map((trial) => ({ split, trial })));
  }
  return wanted;
}

/**
 * Produces the same bytes as `encodeRecord`. Folds and splits contain only integers, so millions of them can be written
 * without checking each one.
 */
export function encodePlan(plan: RunPlan): Uint8Array {
  const members = Object.entries(plan).map(([name, member]) => {
    if (name !== 'splits' && name !== 'jobs') return `"${name}":${new TextDecoder().decode(encodeRecord(member))}`;
    return `"${name}":[${(member as object[]).map((one) => JSON.stringify(one)).join(',')}]`;
  });
  return new TextEncoder().encode(`{${members.join(',')}}`);
}

export function decodePlan(bytes: Uint8Array, name: string): RunPlan {
  const plan = decodeRecord(planSchema, bytes, name);
  const indices = plan.splits.reduce((sum, { train, test }) => sum + train.length + test.length, 0);
  for (const [what, size, limit] of [
    ['folds to train', plan.jobs.length, LIMITS.jobs],
    ['clips over all splits', indices, LIMITS.indices],
  ] as const) {
    if (size <= limit) continue;
    throw new CryfoldError('JOB_INVALID', `${name}: ${size} ${what}; a plan can have at most ${limit}`, {
      context: { what, size, limit },
    });
  }
  return plan;
}
