import { createReadStream } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CryfoldError, FORMATS, readRegularText } from '@cryfold/core';
import { type Dataset, inspectDataset, limitClips, readDataset } from '@cryfold/corpus';
import { kindOf } from '@cryfold/estimators';
import { isFitted, splitterOf } from '@cryfold/evaluation';
import { computeFeatures } from '@cryfold/features';
import type { WeightsSourceOptions } from '@cryfold/nn';
import {
  canFit,
  checkProtocol,
  type DatasetManifest,
  parseSpec,
  plannedFeatures,
  planRun,
  type RunPlan,
  type Spec,
} from '@cryfold/plan';
import { innerSplits, makeSplits } from '@cryfold/run-control';
import type { RunStore } from '@cryfold/store';
import { checkLeaks } from './leak-gate.js';
import { protocolOf } from './protocol-names.js';
import { resolveSpecWeights } from './spec-weights.js';

/** What flags may change of a spec. */
export interface Overrides {
  repeats?: number;
  folds?: number;
  estimators?: string[];
  epochs?: number;
  seed?: number;
  weights?: string;
  /** Shuffles of the labels, as the spec's `nulls` */
  null?: number;
  /** A name that `evaluationsOf` gives, for the spec's splitter */
  protocol?: string;
}

export const PAPER_SPEC = fileURLToPath(new URL('../../../../specs/paper.yaml', import.meta.url));

/** Bytes of the largest spec that is read. */
const LARGEST_SPEC = 2 ** 20;

/** @throws CryfoldError SPEC_INVALID */
export async function readSpec(path: string): Promise<Spec> {
  return parseSpec(await readSpecText(path), path);
}

/** @throws CryfoldError SPEC_INVALID for what cannot be read; the text is not parsed */
export function readSpecText(path: string): Promise<string> {
  return readRegularText(path, LARGEST_SPEC).catch((cause) => {
    throw new CryfoldError('SPEC_INVALID', `${path}: cannot be read: ${cause.message}`, {
      cause,
      context: { file: path },
      hint: 'Give the path of a YAML spec, or none for specs/paper.yaml.',
    });
  });
}

/**
 * @param say told about fusions that lose a member to `--estimators`
 * @param overrides `protocol` is a name that `evaluationsOf` gives
 * @throws CryfoldError USAGE for an estimator that the spec does not have, or a protocol that does not suit its search
 */
export function applyOverrides(spec: Spec, overrides: Overrides, say: (text: string) => void): Spec {
  const { seed = spec.seed } = overrides;
  const wanted = overrides.estimators ?? Object.keys(spec.estimators);
  for (const name of wanted) {
    if (Object.hasOwn(spec.estimators, name)) continue;
    throw new CryfoldError('USAGE', `--estimators: the spec has no estimator ${JSON.stringify(name)}`, {
      context: { estimator: name },
      hint: `It has: ${Object.keys(spec.estimators).join(', ')}.`,
    });
  }
  if (wanted.length === 0) throw new CryfoldError('USAGE', '--estimators: none is named');
  const protocol = protocolOf(spec.protocol, overrides);
  const estimators: Spec['estimators'] = {};
  for (const [name, estimator] of Object.entries(spec.estimators)) {
    if (!wanted.includes(name)) continue;
    const { epochs, pretrained } = kindOf(estimator);
    let changed = estimator;
    if (epochs && overrides.epochs !== undefined) changed = epochs.with(changed, overrides.epochs);
    if (pretrained && overrides.weights !== undefined) changed = pretrained.withSource(changed, overrides.weights);
    estimators[name] = changed;
  }
  const fusion: Spec['fusion'] = {};
  for (const [name, rule] of Object.entries(spec.fusion)) {
    const absent = rule.members.filter((member) => !Object.hasOwn(estimators, member));
    if (absent.length > 0) say(`${name} is left out: it needs ${absent.join(', ')}`);
    else if (isFitted(rule.rule) && !canFit(protocol.splitter))
      say(
        `${name} is left out: ${protocol.splitter} never tests the training clips that ${rule.rule} fusion learns from`,
      );
    else fusion[name] = rule;
  }
  const nulls = overrides.null ?? spec.nulls;
  const { search, ...plain } = spec;
  const space = Object.fromEntries(
    Object.entries(search?.space ?? {}).filter(([name]) => Object.hasOwn(estimators, name)),
  );
  const changed: Spec = {
    ...plain,
    ...(search && Object.keys(space).length > 0 ? { search: { ...search, space } } : {}),
    ...(nulls === undefined ? {} : { nulls }),
    seed,
    protocol,
    estimators,
    fusion,
  };
  checkProtocol(changed, (key, message) => new CryfoldError('USAGE', `${key}: ${message}`, { context: { key } }));
  return changed;
}

export interface Preparation {
  plan: RunPlan;
  dataset: Dataset;
  manifest: DatasetManifest;
  /** Files of pretrained weights by their hex sha256 */
  weights: Map<string, string>;
  /** What the leak gate found but let pass */
  leaks: string[];
}

export interface PrepareOptions {
  spec: Spec;
  data: string;
  limit?: number;
  skipBad: boolean;
  allowLeak: boolean;
  /** Where weights given by URL or store key are fetched from and kept */
  sources: WeightsSourceOptions;
  onProgress: (text: string) => void;
}

/** Reads and checks the data, and plans the run. Writes nothing. */
export async function prepareRun(options: PrepareOptions): Promise<Preparation> {
  const { spec, data, limit, skipBad, sources, onProgress } = options;
  const whole = await readDataset(data, {
    clipSeconds: spec.features.clipSeconds,
    skipBad,
    folds: spec.protocol.splitter === 'PredefinedSplit',
    onProgress: (done, total) => onProgress(`reading ${done}/${total} files`),
  });
  const dataset = limit === undefined ? whole : limitClips(whole, limit, spec.seed);
  const { folds, splitter } = spec.protocol;
  if (splitterOf(splitter).takes.includes('folds') && dataset.clips.length < folds) {
    throw new CryfoldError('DATA_TOO_FEW', `${data}: ${dataset.clips.length} clips are too few for ${folds} folds`, {
      context: { clips: dataset.clips.length, folds },
      hint: 'Add recordings, or ask for fewer folds with --folds.',
    });
  }
  const splits = makeSplits(spec, dataset);
  onProgress('looking for leaks');
  const leaks = await checkLeaks(spec, dataset, splits, options.allowLeak);
  const weights = new Map<string, string>();
  const manifest: DatasetManifest = {
    format: dataset.clips.some(({ fold }) => fold !== undefined) ? FORMATS.manifest : 1,
    name: dataset.name,
    contentHash: dataset.contentHash,
    grouped: dataset.grouped,
    classes: dataset.classes,
    rates: inspectDataset(dataset).rates,
    clips: dataset.clips.map(({ id, label, group, hash, fold }) => {
      return { id, label, group, hash, ...(fold === undefined ? {} : { fold }) };
    }),
  };
  const plan = planRun({
    spec: await resolveSpecWeights(spec, sources, weights),
    manifest,
    splits: [...splits, ...innerSplits(spec, dataset, splits)],
  });
  return { plan, dataset, manifest, weights, leaks };
}

/**
 * Puts into the store what workers need, and the plan last: in the store, it is a run that the coordinator drives. Folds
 * of it that failed for good are tried again.
 * @param submit where the run goes to a server, which makes the plan itself
 */
export async function publish(
  store: RunStore,
  preparation: Preparation,
  onProgress: (text: string) => void,
  submit?: () => Promise<unknown>,
): Promise<void> {
  await publishInputs(store, preparation, onProgress);
  if (submit) {
    await submit();
    return;
  }
  const { plan } = preparation;
  // First, since it refuses a newer version's run.
  await store.runs.savePlan(plan);
  await store.runs.reopen(plan.run);
}

/** All that a plan refers to; what is there already, by content, is left. */
async function publishInputs(
  store: RunStore,
  { plan, dataset, manifest, weights }: Preparation,
  onProgress: (text: string) => void,
): Promise<void> {
  for (const [key, set] of plannedFeatures(plan)) {
    if (await store.datasets.hasFeatures(key)) continue;
    const computed = await computeFeatures(dataset, set, (done, total) =>
      onProgress(`computing ${set.kind} features ${done}/${total}`),
    );
    await store.datasets.saveFeatures(key, computed);
  }
  for (const [sha256, path] of weights) await store.weights.put(sha256, () => createReadStream(path));
  await store.datasets.saveManifest(manifest);
}
