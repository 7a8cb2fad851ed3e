import { CryfoldError, DAMAGE_CODES, ifReadable, mapLimited } from '@cryfold/core';
import { type Audit, type EvaluationInput, type ShuffledFold, shuffledName } from '@cryfold/evaluation';
import {
  type DatasetManifest,
  type FoldFailure,
  type FoldJob,
  type FoldResult,
  isInnerFold,
  metricOfSpec,
  nestedMembers,
  type RunPlan,
  selectedPlan,
} from '@cryfold/plan';
import type { RunStore, StoredPlan } from '@cryfold/store';
import { noteEnvironment } from './note-environment.js';

/** A run in the store: its plan and all results so far. */
export interface StoredRun {
  plan: RunPlan;
  manifest: DatasetManifest;
  /** For each sound, the indices of the clips that share it; undefined if unknown */
  sounds: number[][] | undefined;
  /** Properties of the recordings; undefined if there is no record of them */
  audit: Audit | undefined;
  /** Probabilities per estimator and split, with null for missing folds, and the fusions that the spec defines */
  input: EvaluationInput;
  /** Values that the folds reported, such as versions and processors, keyed by `trial.name`. */
  environment: Record<string, string>;
  /** Existing folds, in the order of the plan */
  folds: { job: FoldJob; record: FoldResult }[];
}

interface ReadFold {
  record: FoldResult;
  probabilities: Float64Array;
  decisions: Float64Array | undefined;
}

/** Called for each damaged fold, which then counts as missing. Without this function, the first error is thrown. */
export type OnDamaged = (job: FoldJob, error: CryfoldError) => Promise<void>;

/**
 * Reads the plan of a run and all of its folds.
 * @throws CryfoldError ARTIFACT_MISSING, ARTIFACT_CORRUPT, JOB_INVALID, NPY_INVALID
 */
export async function readRun(store: RunStore, run: string, onDamaged?: OnDamaged): Promise<StoredRun> {
  return readPlanned(store, await store.runs.plan(run), onDamaged);
}

/** Like `readRun`, but for a plan that has already been read. */
export async function readPlanned(store: RunStore, planned: StoredPlan, onDamaged?: OnDamaged): Promise<StoredRun> {
  const { base, search } = planned;
  const whole = search ? selectedPlan(base, search, planned.plan) : base;
  const plan = outerPlan(whole);
  const manifest = await store.datasets.manifest(plan.dataset.key);
  const failures = new Map((await store.runs.failures(plan.run)).map((failure) => [failure.key, failure]));

  const folds = new RunFolds(plan);
  const read = await mapLimited(plan.jobs, (job) => readUndamaged(store, job, plan, onDamaged));
  for (const [i, job] of plan.jobs.entries()) folds.add(job, read[i]);
  return {
    plan,
    manifest,
    sounds: await store.datasets.sharedSounds(plan.dataset.key),
    // A damaged audit is ignored, since it does not affect any figure.
    audit: await ifReadable(store.datasets.audit(plan.dataset.key)),
    environment: folds.environment,
    folds: folds.records,
    input: {
      ...evaluationInput(plan, manifest, folds, failures),
      ...(await readInner(store, whole, onDamaged)),
    },
  };
}

/** Returns the plan without the inner folds of nested fusions, which are not evaluated themselves. */
function outerPlan(plan: RunPlan): RunPlan {
  return {
    ...plan,
    splits: plan.splits.filter(({ outer }) => outer === undefined),
    jobs: plan.jobs.filter((job) => !isInnerFold(plan, job)),
  };
}

/** Reads the predictions of the members of nested fusions in inner folds; empty if there are no nested fusions. */
async function readInner(
  store: RunStore,
  plan: RunPlan,
  onDamaged: OnDamaged | undefined,
): Promise<Pick<EvaluationInput, 'inner'>> {
  const members = nestedMembers(plan.spec);
  if (members.size === 0) return {};
  const inside = plan.splits.flatMap((split, s) => (split.outer === undefined ? [] : [{ ...split, s }]));
  const position = new Map(inside.map(({ s }, i) => [s, i]));
  const probabilities = new Map(
    [...members].map((name) => [name, new Array<Float64Array | null>(inside.length).fill(null)]),
  );
  const jobs = plan.jobs.filter((job) => members.has(job.trial) && isInnerFold(plan, job));
  await mapLimited(jobs, async (job) => {
    const fold = await readUndamaged(store, job, plan, onDamaged);
    if (fold) probabilities.get(job.trial)![position.get(job.split)!] = fold.probabilities;
  });
  return { inner: { splits: inside.map((split) => ({ ...splitOf(split), outer: split.outer! })), probabilities } };
}

function splitOf({ repeat, fold, train, test }: RunPlan['splits'][number]) {
  return { repeat, fold, train: Int32Array.from(train), test: Int32Array.from(test) };
}

/** Reads a fold. Returns undefined if the fold is missing, or if it is damaged and was passed to `onDamaged`. */
export async function readUndamaged(
  store: RunStore,
  job: FoldJob,
  plan: RunPlan,
  onDamaged: OnDamaged | undefined,
): Promise<ReadFold | undefined> {
  try {
    return await readFold(store, job, plan);
  } catch (error) {
    if (!onDamaged || !(error instanceof CryfoldError) || !DAMAGE_CODES.has(error.code)) throw error;
    await onDamaged(job, error);
    return undefined;
  }
}

/** Collects the folds of a run in the form that the evaluation needs. */
class RunFolds {
  readonly records: StoredRun['folds'] = [];
  readonly environment: Record<string, string> = {};
  /** By estimator and split; null for missing folds */
  readonly probabilities = new Map<string, (Float64Array | null)[]>();
  readonly decisions = new Map<string, (Float64Array | null)[]>();
  readonly shuffled: ShuffledFold[] = [];
  readonly #splits: number;

  constructor({ spec, splits }: RunPlan) {
    this.#splits = splits.length;
    for (const trial of Object.keys(spec.estimators)) this.probabilities.set(trial, this.#missing());
  }

  /** @param fold undefined if the job has no result */
  add(job: FoldJob, fold: ReadFold | undefined): void {
    const { trial, shuffle, split } = job;
    if (shuffle !== undefined) {
      const predicted = fold && { probabilities: fold.probabilities, scores: fold.decisions ?? fold.probabilities };
      this.shuffled.push({ model: trial, shuffle, split, ...predicted });
    }
    if (!fold) return;
    this.records.push({ job, record: fold.record });
    noteEnvironment(this.environment, trial, fold.record.environment);
    if (shuffle !== undefined) return;
    const own = this.probabilities.get(trial);
    if (own) own[split] = fold.probabilities;
    if (fold.decisions) {
      if (!this.decisions.has(trial)) this.decisions.set(trial, this.#missing());
      this.decisions.get(trial)![split] = fold.decisions;
    }
  }

  #missing(): (Float64Array | null)[] {
    return new Array(this.#splits).fill(null);
  }
}

/** @param failures by fold key */
function evaluationInput(
  plan: RunPlan,
  manifest: DatasetManifest,
  { probabilities, decisions, shuffled }: RunFolds,
  failures: ReadonlyMap<string, FoldFailure>,
): EvaluationInput {
  const index = new Map(manifest.classes.map((label, i) => [label, i]));
  return {
    classes: manifest.classes,
    clips: manifest.clips.map(({ id, group, label }) => ({ id, group, label: index.get(label) ?? -1 })),
    splits: plan.splits.map(splitOf),
    groupSource: manifest.groupSource,
    predefined: plan.spec.protocol.splitter === 'PredefinedSplit',
    estimators: plan.spec.estimators,
    fusion: plan.spec.fusion,
    metric: metricOfSpec(plan.spec),
    probabilities,
    decisions,
    shuffled,
    failures: plan.jobs.flatMap((job) => {
      const failure = failures.get(job.key);
      if (!failure) return [];
      const { repeat, fold } = plan.splits[job.split];
      const model = job.shuffle === undefined ? job.trial : shuffledName(job.trial, job.shuffle);
      return [{ model, repeat, fold, code: failure.error.code, message: failure.error.message }];
    }),
  };
}

async function readFold({ folds }: RunStore, job: FoldJob, plan: RunPlan): Promise<ReadFold | undefined> {
  const record = await folds.result(job.key);
  if (!record) return undefined;
  const shape = [plan.splits[job.split].test.length, plan.dataset.classes.length] as const;
  return {
    record,
    probabilities: await folds.matrix(record.probabilities, shape),
    decisions: record.decisions && (await folds.matrix(record.decisions, shape)),
  };
}
