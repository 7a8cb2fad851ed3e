import { CryfoldError, contentKey, encodeRecord, FORMATS, sha256 } from '@cryfold/core';
import type { FittedFusion, RunResults } from '@cryfold/evaluation';
import { begunTrials, groupsKnown, labelOf, metricOf } from '@cryfold/evaluation';
import {
  type DatasetManifest,
  type FinalResult,
  FOLD_FORMAT,
  featuresOf,
  type RunPlan,
  vectorsOf,
} from '@cryfold/plan';
import { type ArtifactStore, readArtifact } from '@cryfold/store';
import { type CardMetrics, decodeCard, type ModelCard } from './card.js';
import { cardText, INTENDED_USE, limitsOf, NOTICE } from './card-text.js';
import { encodeLikeness, LIKENESS_FILE, type LikenessRule } from './likeness.js';
import { modelKeys } from './registry.js';

export interface NewVersion {
  name: string;
  plan: RunPlan;
  manifest: DatasetManifest;
  /**
   * Results of the plan's run, followed by the results of runs that use the same data and configuration under other
   * protocols
   */
  results: readonly RunResults[];
  /** Returns warnings to show before this model's figures from a run, one sentence each */
  warningsOf: (results: RunResults) => string[];
  /** Name of the estimator or fusion of the run that becomes this version */
  of: string;
  /** The trained members, in the order in which the fusion lists them */
  finals: readonly { trial: string; result: FinalResult }[];
  fusion: FittedFusion | null;
  /** Rule for sounds that are unlike the training data, if it could be learned */
  likeness?: LikenessRule | undefined;
  cryfold: string;
}

/**
 * Writes a version of a model: first its files, then `card.json`, which completes it. The name of a version is derived
 * from what defines it (run, members, code), so repeating the call finds the existing version.
 * @returns the card, and whether the version already existed
 */
export async function writeVersion(
  store: ArtifactStore,
  input: NewVersion,
): Promise<{ card: ModelCard; known: boolean }> {
  const { name, plan, manifest, of, finals, fusion } = input;
  const likeness = input.likeness && encodeLikeness(input.likeness);
  const version = contentKey({
    ...{ name, of, run: plan.run, format: FOLD_FORMAT },
    finals: finals.map(({ result }) => result.key),
    protocols: input.results.map(({ run }) => run.id),
    ...(likeness && { likeness: sha256(likeness) }),
  }).slice(0, 12);
  const key = modelKeys.card(name, version);
  const known = await store.get(key);
  if (known) return { card: decodeCard(known, key), known: true };

  const files: ModelCard['files'] = [];
  const put = async (path: string, bytes: Uint8Array) => {
    await store.put(modelKeys.file(name, version, path), bytes);
    files.push({ path, sha256: sha256(bytes), bytes: bytes.length });
  };
  const members = await putMembers(store, input, put);
  if (fusion)
    await put(
      'fusion.json',
      encodeRecord({ format: FORMATS.model, members: finals.map(({ trial }) => trial), ...fusion }),
    );
  if (likeness) await put(LIKENESS_FILE, likeness);
  const [results] = input.results;
  const metrics = input.results.map((one) => metricsOf(one, of, input.warningsOf(one)));
  const data: ModelCard['data'] = {
    name: manifest.name,
    contentHash: manifest.contentHash,
    clips: manifest.clips.length,
    groups: results.dataset.groups,
    grouped: manifest.grouped,
    ...(manifest.groupSource && { groupSource: manifest.groupSource }),
    classes: results.dataset.perClass,
    ...(manifest.rates && { rates: manifest.rates }),
  };
  const features = plan.spec.features;
  const search = searchOf(results, members);
  const card: ModelCard = {
    // The oldest format that can represent the card, so that older versions can read as many cards as possible.
    format: plan.format === FORMATS.plan ? FORMATS.card : 3,
    ...{ name, version, created: new Date().toISOString() },
    cryfold: { version: input.cryfold, foldFormat: FOLD_FORMAT },
    notice: NOTICE,
    intendedUse: INTENDED_USE,
    limits: limitsOf({ data, metrics, features, ...search, likeness: input.likeness }),
    ...{ run: plan.run, of },
    predictedBy: modelOf(results, of).predictedBy,
    spec: plan.spec,
    ...{ data, features, members },
    fusion: fusion && { rule: fusion.rule, file: 'fusion.json' },
    ...search,
    metrics,
    environment: Object.fromEntries(
      finals.flatMap(({ trial, result }) =>
        Object.entries(result.environment).map(([what, value]) => [`${trial}.${what}`, value]),
      ),
    ),
    files,
  };
  await store.put(modelKeys.file(name, version, 'card.md'), new TextEncoder().encode(cardText(card)));
  await store.putIfAbsent(key, encodeRecord(card));
  return { card, known: false };
}

type Put = (path: string, bytes: Uint8Array) => Promise<void>;

/** Copies the files of the trained members into the version. */
async function putMembers(store: ArtifactStore, { plan, finals }: NewVersion, put: Put): Promise<ModelCard['members']> {
  const members: ModelCard['members'] = [];
  for (const { trial, result } of finals) {
    const folder = `members/${trial}`;
    for (const file of result.model) {
      await put(`${folder}/${file.key.split('/').at(-1)}`, await readArtifact(store, file.key, file.sha256));
    }
    const { kind, features } = plan.spec.estimators[trial];
    const vectors = vectorsOf(plan.spec, trial);
    const own = {
      ...(features !== undefined && { features: featuresOf(plan.spec, trial) }),
      ...(vectors && { vectors }),
    };
    members.push({ name: trial, kind, final: result.key, folder, ...own });
  }
  return members;
}

/** @throws CryfoldError USAGE */
export function modelOf(results: RunResults, of: string): RunResults['models'][number] {
  const model = results.models.find((one) => one.name === of);
  if (model) return model;
  throw new CryfoldError('USAGE', `run ${results.run.id} has no model ${of}`, {
    context: { run: results.run.id, model: of },
    hint: `Its models: ${results.models.map((one) => one.name).join(', ')}.`,
  });
}

function searchOf({ search }: RunResults, members: ModelCard['members']): Pick<ModelCard, 'search'> {
  const chosen = search?.winners.filter(({ base }) => members.some(({ name }) => name === base)) ?? [];
  if (!search || chosen.length === 0) return {};
  const { algorithm, metric, nested } = search;
  const winners = chosen.map(({ base, trial, parameters, among, plain, pooled, corrected }) => ({
    ...{ member: base, trial, parameters, among, begun: begunTrials(search, base).length, plain },
    ...(pooled === undefined ? {} : { pooled }),
    corrected: corrected && { mean: corrected.mean, low: corrected.low, high: corrected.high },
  }));
  return { search: { algorithm, metric, nested, winners } };
}

function metricsOf(results: RunResults, of: string, warnings: string[]): CardMetrics {
  const { protocol, run, baselines, dataset, leaks } = results;
  const { pooled, ...model } = modelOf(results, of);
  const summary = (key: 'accuracy' | 'balancedAccuracy' | 'macroF1' | 'logLoss') => {
    const { mean, standardDeviation, minimum, maximum } = model[key]!;
    return { mean, standardDeviation, minimum, maximum };
  };
  return {
    run: run.id,
    protocol: labelOf(results),
    splitter: protocol.splitter,
    ...{ folds: protocol.folds, repeats: protocol.repeats, seed: protocol.seed },
    grouped: groupsKnown(dataset) && dataset.groups < dataset.clips && protocol.groupsSpanning === 0,
    ...(leaks && { leaks: { sounds: leaks.sounds, groups: leaks.groups } }),
    ...(warnings.length > 0 && { warnings }),
    metric: metricOf(results),
    accuracy: summary('accuracy'),
    balancedAccuracy: summary('balancedAccuracy'),
    macroF1: summary('macroF1'),
    logLoss: summary('logLoss'),
    pooled: pooled && {
      accuracy: pooled.accuracy,
      balancedAccuracy: pooled.balancedAccuracy,
      macroF1: pooled.macroF1,
      logLoss: pooled.logLoss,
    },
    intervals: pooled?.intervals
      ? {
          level: pooled.intervals.level,
          accuracy: pooled.intervals.accuracy,
          balancedAccuracy: pooled.intervals.balancedAccuracy,
          macroF1: pooled.intervals.macroF1,
        }
      : null,
    perClass: pooled?.perClass ?? [],
    confusion: pooled?.confusion ?? [],
    majorityShare: baselines.majority.share,
  };
}
