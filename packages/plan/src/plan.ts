import { contentKey, decodeRecord, deriveSeed, FORMATS, sha256 } from '@cryfold/core';
import { type Estimator, kindOf, type RunSettings } from '@cryfold/estimators';
import { isGrouped } from '@cryfold/evaluation';
import { z } from 'zod';
import { type Spec, specSchema } from './spec.js';

/** Bumped when the code that computes a fold's result changes its meaning: old results are then not found. */
export const FOLD_FORMAT = 1;

const hex = z.string().regex(/^[0-9a-f]{64}$/);
const indices = z.array(z.int().min(0));

export const planSchema = z.strictObject({
  format: z.literal(FORMATS.plan),
  run: z.string().regex(/^[a-z0-9][a-z0-9-]*$/),
  spec: specSchema,
  dataset: z.strictObject({ key: hex, name: z.string(), clips: z.int(), classes: z.array(z.string()) }),
  features: z.strictObject({ key: hex }),
  splits: z.array(
    z.strictObject({
      repeat: z.int(),
      fold: z.int(),
      train: indices,
      test: indices,
      /** Of a split inside another one, by which a sweep chooses: which split that is, and its number there */
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
      /** Of a fold on shuffled labels: which shuffle, from 0. */
      shuffle: z.int().min(0).optional(),
    }),
  ),
});

/** Everything that a run will do: stored once, then only read. `split` indexes `splits`. */
export type RunPlan = z.infer<typeof planSchema>;
export type FoldJob = RunPlan['jobs'][number];

const manifestSchema = z.strictObject({
  format: z.literal(FORMATS.manifest),
  name: z.string(),
  contentHash: hex,
  grouped: z.boolean(),
  classes: z.array(z.string()),
  /** Absent from manifests of earlier versions. */
  rates: z.array(z.strictObject({ rate: z.number().positive(), clips: z.int() })).optional(),
  clips: z.array(
    z.strictObject({
      id: z.string(),
      label: z.string(),
      group: z.string(),
      /** Of the sound; absent from manifests of earlier versions. */
      hash: hex.optional(),
    }),
  ),
});

/** The dataset as workers and aggregator need it: no audio, only identities. */
export type DatasetManifest = z.infer<typeof manifestSchema>;

export interface PlanInput {
  spec: Spec;
  manifest: DatasetManifest;
  /** Those inside others come after all others. */
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

/** Key of the images of a dataset: what they show and how they were computed. */
export function featuresKey(spec: Spec, datasetKey: string): string {
  return contentKey({ features: spec.features, dataset: datasetKey, format: FOLD_FORMAT });
}

function indexHash(values: Int32Array): string {
  return sha256(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
}

/** What a spec decides for all of its estimators. */
export function settingsOf(spec: Spec, featureKey: string): RunSettings {
  return {
    featureKey,
    threads: spec.threads,
    xla: spec.xla ?? false,
    grouped: isGrouped(spec.protocol.splitter),
  };
}

/**
 * Identity of a fold's result: the data, the features, the indices, the estimator, the seed, whether labels are
 * shuffled, what else the estimator's kind says that its result depends on, and the format of the code. The trial's
 * name is not part of it, so that equal work is shared between trials and runs.
 */
function foldKey(
  spec: Spec,
  estimator: Estimator,
  features: string,
  { train, test, shuffle }: { train: string; test: string; shuffle?: number },
): string {
  return contentKey({
    format: FOLD_FORMAT,
    features,
    train,
    test,
    estimator,
    seed: spec.seed,
    shuffle,
    ...kindOf(estimator).keyParts(settingsOf(spec, features)),
  });
}

/** Identity of an estimator of a run trained on all its clips, as `foldKey` is of a fold's result. */
export function finalKey({ spec, features, dataset }: RunPlan, trial: string): string {
  const all = indexHash(Int32Array.from({ length: dataset.clips }, (_, i) => i));
  return foldKey(spec, spec.estimators[trial], features.key, { train: all, test: indexHash(new Int32Array()) });
}

/** Jobs of trials that the plan's estimators name, on splits of the plan. */
export function addJobs(plan: RunPlan, wanted: readonly { split: number; trial: string; shuffle?: number }[]): void {
  const { spec, features } = plan;
  const hashes = new Map<number, { train: string; test: string }>();
  for (const { split, trial, shuffle } of wanted) {
    const { train, test } = plan.splits[split];
    const hash = hashes.get(split) ?? {
      train: indexHash(Int32Array.from(train)),
      test: indexHash(Int32Array.from(test)),
    };
    hashes.set(split, hash);
    const estimator = spec.estimators[trial];
    const key = foldKey(spec, estimator, features.key, { ...hash, shuffle });
    const { queue } = kindOf(estimator);
    const seed = deriveSeed(key, 'fold');
    plan.jobs.push({ key, trial, queue, split, seed, ...(shuffle === undefined ? {} : { shuffle }) });
  }
}

/**
 * Splits, keys and queue of every fold job; those of searched estimators follow from what the sweep decides
 * (growPlan). The run's id follows from its content: same command, same run.
 */
export function planRun({ spec, manifest, splits }: PlanInput): RunPlan {
  const plan: RunPlan = {
    format: FORMATS.plan,
    run: '',
    spec,
    dataset: {
      key: manifest.contentHash,
      name: manifest.name,
      clips: manifest.clips.length,
      classes: manifest.classes,
    },
    features: { key: featuresKey(spec, manifest.contentHash) },
    splits: splits.map(({ train, test, ...rest }) => ({ ...rest, train: [...train], test: [...test] })),
    jobs: [],
  };
  const searched = new Set(Object.keys(spec.search?.space ?? {}));
  const trials = Object.keys(spec.estimators).filter((name) => !searched.has(name));
  const wanted: { split: number; trial: string; shuffle?: number }[] = [];
  for (const [split, { repeat, outer }] of splits.entries()) {
    if (outer !== undefined) continue;
    for (const trial of trials) {
      wanted.push({ split, trial });
      if (repeat > 0) continue;
      for (let shuffle = 0; shuffle < (spec.nulls ?? 0); shuffle++) wanted.push({ split, trial, shuffle });
    }
  }
  addJobs(plan, wanted);
  const identity = contentKey({
    spec,
    dataset: manifest.contentHash,
    jobs: plan.jobs.map((job) => job.key),
    // A sweep's jobs are not known yet; its splits stand for them.
    ...(spec.search ? { splits: contentKey(plan.splits) } : {}),
  });
  return { ...plan, run: `${spec.name}-${identity.slice(0, 12)}` };
}

export function decodeManifest(bytes: Uint8Array, name: string): DatasetManifest {
  return decodeRecord(manifestSchema, bytes, name);
}

export function decodePlan(bytes: Uint8Array, name: string): RunPlan {
  return decodeRecord(planSchema, bytes, name);
}
