import { readRun, type StoredRun } from '@cryfold/aggregator';
import { CryfoldError, canonicalJson, ifReadable, VERSION } from '@cryfold/core';
import { type Estimator, estimatorKinds, kindOf } from '@cryfold/estimators';
import { type FittedFusion, fitFusion, isFitted, outOfFoldRows, type RunResults } from '@cryfold/evaluation';
import { DEFAULT_FEATURES, type FeatureSet, featureKindOf, featureSetSchema } from '@cryfold/features/kinds';
import { checkModelName, type ModelCard, modelOf, writeVersion } from '@cryfold/model-registry';
import { type FinalResult, featuresOf, type Spec, vectorsOf } from '@cryfold/plan';
import { warningsOf } from '@cryfold/report';
import type { RunStore } from '@cryfold/store';
import { likenessOf } from './learn-likeness.js';
import type { Follower, NewModel, Training } from './training.js';

/**
 * Refits a model of a finished run on all data with the run's parameters, including members and fusion, and saves it as
 * a version. Refuses a model with missing folds, since its quality is unknown.
 * @throws CryfoldError RUN_NOT_FOUND, RUN_FAILED, USAGE; also any error that occurs during training
 */
export async function makeFinalModel(
  store: RunStore,
  { run, of, name }: NewModel,
  { train, check }: Training,
  follower: Follower,
): Promise<{ card: ModelCard; known: boolean }> {
  checkModelName(name);
  const results = await store.runs.results(run);
  if (!results) {
    throw new CryfoldError('RUN_NOT_FOUND', `the store has no finished run ${run}`, {
      context: { run },
      hint: 'To list all runs, use: cryfold list',
    });
  }
  if (!modelOf(results, of).complete) {
    throw new CryfoldError('RUN_FAILED', `${of} of run ${run} has missing folds`, {
      context: { run, model: of },
      hint: `To retry these folds, use: cryfold retry ${run}`,
    });
  }
  const { plan, manifest, rule, fusion } = await refit(store, run, of);
  const finals: { trial: string; result: FinalResult }[] = [];
  const trials = rule?.members ?? [of];
  checkKeepable(plan.spec, of);
  check?.(plan, trials);
  for (const trial of trials) {
    finals.push({ trial, result: await train(plan, trial, follower) });
  }
  follower.onProgress('learning which sounds are unlike the training data');
  const likeness = await likenessOf(store, plan, manifest);
  follower.onProgress('writing the model');
  return writeVersion(store.artifacts, {
    ...{ name, plan, manifest, of, finals },
    results: [results, ...(await otherProtocols(store.runs, results, of))],
    warningsOf: (one) => warningsOf(one, of),
    ...{ fusion, likeness },
    cryfold: VERSION,
  });
}

type Choice = Pick<Spec, 'estimators' | 'fusion'>;

interface Unkept {
  trial: string;
  kind: string;
  /** Key that the estimator's entry in the spec lacks; undefined if estimators of this kind can never be saved */
  lacks?: string | undefined;
}

/** The estimators of a model: the members of a fusion, or the estimator itself. */
function membersOf(fusion: Spec['fusion'], of: string): readonly string[] {
  return Object.hasOwn(fusion, of) ? fusion[of].members : [of];
}

/**
 * Returns the first of a model's estimators that can be evaluated but not saved, or undefined if the model can be
 * refitted.
 */
function unkept({ estimators, fusion }: Choice, of: string): Unkept | undefined {
  for (const trial of membersOf(fusion, of)) {
    const estimator = Object.hasOwn(estimators, trial) ? estimators[trial] : undefined;
    // Results may contain kinds of estimators that this version of cryfold does not support.
    const known = estimatorKinds.find(({ kind }) => kind === estimator?.kind);
    if (!known) continue;
    const lacks = known.lacksToKeep?.(estimator);
    if (!known.loadPredictor || lacks) return { trial, kind: known.kind, lacks };
  }
  return undefined;
}

/** Whether `train-final` can refit a model. */
export const isKeepable = (spec: Choice, of: string): boolean => unkept(spec, of) === undefined;

/** @throws CryfoldError USAGE for a model with an estimator that can be evaluated but not saved */
export function checkKeepable(spec: Choice, of: string): void {
  const found = unkept(spec, of);
  if (!found) return;
  const { trial, kind, lacks } = found;
  throw new CryfoldError(
    'USAGE',
    `${trial}: estimators of kind ${kind} can be evaluated, but not saved as a model${lacks ? ` without ${lacks}` : ''}`,
    {
      context: { trial, kind },
      hint: lacks
        ? `Add ${lacks} to estimators.${trial} and run the spec again (docs/commands.md), or choose a model without ${trial}.`
        : 'Choose an estimator of another kind, or a fusion of such estimators. cryfold report RUN lists them.',
    },
  );
}

/**
 * Throws if a model cannot predict new recordings because it needs a feature set that was read from files. Every model
 * needs the first feature set of its spec, because `ModelPredictor` always computes it.
 * @throws CryfoldError FEATURES_EXTERNAL
 */
export function checkComputable(
  spec: Pick<Spec, 'features' | 'featureSets' | 'estimators' | 'fusion'>,
  of: string,
): void {
  const sets = membersOf(spec.fusion, of).flatMap((trial) =>
    [featuresOf(spec, trial), vectorsOf(spec, trial) ?? []].flat(),
  );
  const given = [...sets, spec.features].find((set) => featureKindOf(set).given);
  if (!given) return;
  throw new CryfoldError(
    'FEATURES_EXTERNAL',
    `${of} reads external vectors, which cannot be computed for new recordings`,
    {
      context: { model: of, kind: given.kind },
      hint: 'Evaluate it with cryfold run, or choose a model whose features cryfold can compute (see docs/external-vectors.md).',
    },
  );
}

/** This is a separate function, so that the run's folds can be freed from memory before training starts. */
async function refit(store: RunStore, run: string, of: string) {
  const stored = await readRun(store, run);
  const { plan, manifest } = stored;
  const rule = Object.hasOwn(plan.spec.fusion, of) ? plan.spec.fusion[of] : undefined;
  return { plan, manifest, rule, fusion: rule ? refitFusion(stored, rule) : null };
}

/**
 * Refits a fusion. A fitted fusion rule learns from all out-of-fold predictions of the first repeat, whereas in each
 * fold of the run, it learned from only some of these predictions.
 */
function refitFusion({ plan, input }: StoredRun, { rule, members }: Spec['fusion'][string]): FittedFusion {
  const classes = input.classes.length;
  if (!isFitted(rule)) return fitFusion(rule, classes);
  const predictions = {
    splits: input.splits,
    members: members.map((member) => input.probabilities.get(member) ?? []),
    labels: input.clips.map(({ label }) => label),
    classes,
  };
  const training = outOfFoldRows(predictions, 0);
  if (training) return fitFusion(rule, classes, training);
  throw new CryfoldError('RUN_FAILED', `run ${plan.run} lacks out-of-fold predictions for its fusion`, {
    context: { run: plan.run },
  });
}

/**
 * Returns a string that encodes everything that determines how a model is trained. Two runs that evaluated the same
 * model have equal strings.
 */
export function configurationOf(
  spec: Pick<Spec, 'features' | 'featureSets' | 'estimators' | 'fusion'>,
  of: string,
): string {
  const fusion = Object.hasOwn(spec.fusion, of) ? spec.fusion[of] : undefined;
  const members = fusion?.members ?? [of];
  return canonicalJson({
    fusion: fusion && { rule: fusion.rule },
    members: members.map((member) => {
      // The name of a feature set makes no difference, so it is left out. Specs of earlier versions do not state the
      // kind of a feature set, so `decidingOf` adds it.
      const { features: _, vectors: __, ...estimator } = spec.estimators[member] as Estimator & { vectors?: string };
      const vectors = kindOf(estimator).readsVectors ? vectorsOf(spec, member) : undefined;
      return { estimator, features: decidingOf(featuresOf(spec, member)), vectors: vectors && decidingOf(vectors) };
    }),
  });
}

/**
 * Returns the parameters that affect the rows of a feature set, or all parameters if this version of cryfold does not
 * support the set.
 */
function decidingOf(stored: FeatureSet): object {
  const set = { ...stored, kind: stored.kind ?? DEFAULT_FEATURES } as FeatureSet;
  return (featureSetSchema.safeParse(set).success && featureKindOf(set).keyed?.(set)) || set;
}

/**
 * Finds finished runs of the same model and data with other splitters. For each splitter, returns only the run with the
 * most repeats.
 */
async function otherProtocols(runs: RunStore['runs'], results: RunResults, of: string): Promise<RunResults[]> {
  const found = new Map<string, RunResults>();
  const own = configurationOf(results.spec as Spec, of);
  for (const run of await runs.withResults()) {
    // Skips unreadable results, such as those written by another version of cryfold.
    const other = await ifReadable(runs.results(run));
    if (!other) continue;
    const { splitter, repeats } = other.protocol;
    if (splitter === results.protocol.splitter || other.dataset.contentHash !== results.dataset.contentHash) continue;
    if (!other.models.some((model) => model.name === of && model.complete)) continue;
    if (configurationOf(other.spec as Spec, of) !== own) continue;
    if ((found.get(splitter)?.protocol.repeats ?? 0) < repeats) found.set(splitter, other);
  }
  return [...found.values()];
}

/**
 * Returns the requested model. The default model is the run's only fusion or, without a fusion, its only estimator.
 * @throws CryfoldError USAGE
 */
export function chooseOf(spec: Pick<Spec, 'estimators' | 'fusion'>, requested: string | undefined): string {
  const all = [...Object.keys(spec.fusion), ...Object.keys(spec.estimators)];
  const choice = requested ?? (all.length === 1 || Object.keys(spec.fusion).length === 1 ? all[0] : undefined);
  if (choice !== undefined && all.includes(choice)) return choice;
  const why = requested === undefined ? 'choose an estimator or fusion' : `there is no ${requested}`;
  throw new CryfoldError('USAGE', `--of: ${why}`, { hint: `Available: ${all.join(', ')}.` });
}
