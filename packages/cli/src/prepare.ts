import { createReadStream } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CryfoldError, FORMATS, readRegularText } from '@cryfold/core';
import { type Dataset, inspectDataset, joinGroups, limitClips, readDataset, sharedSounds } from '@cryfold/corpus';
import { kindOf } from '@cryfold/estimators';
import { isGrouped } from '@cryfold/evaluation';
import { computeFeatures } from '@cryfold/features';
import type { WeightsSourceOptions } from '@cryfold/nn';
import {
  checkPlanSize,
  type DatasetManifest,
  parseSpec,
  plannedFeatures,
  planRun,
  type RunPlan,
  type Spec,
} from '@cryfold/plan';
import { innerSplits, makeSplits, PROTOCOLS } from '@cryfold/run-control';
import type { RunStore } from '@cryfold/store';
import { checkLeaks } from './leak-gate.js';
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
  /** A name of `PROTOCOLS`, for the spec's splitter */
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
      hint: 'Give the path of a YAML spec, or none for the paper’s.',
    });
  });
}

/**
 * @param say told about fusions that lose a member to `--estimators`
 * @throws CryfoldError USAGE for an estimator that the spec doesn't have
 */
export function applyOverrides(spec: Spec, overrides: Overrides, say: (text: string) => void): Spec {
  const { repeats = spec.protocol.repeats, folds = spec.protocol.folds, seed = spec.seed } = overrides;
  const wanted = overrides.estimators ?? Object.keys(spec.estimators);
  for (const name of wanted) {
    if (Object.hasOwn(spec.estimators, name)) continue;
    throw new CryfoldError('USAGE', `--estimators: the spec has no estimator ${JSON.stringify(name)}`, {
      context: { estimator: name },
      hint: `It has: ${Object.keys(spec.estimators).join(', ')}.`,
    });
  }
  if (wanted.length === 0) throw new CryfoldError('USAGE', '--estimators: none is named');
  const { protocol } = overrides;
  const known = protocol !== undefined && Object.hasOwn(PROTOCOLS, protocol) ? PROTOCOLS[protocol] : undefined;
  const splitter = protocol === undefined ? spec.protocol.splitter : known;
  if (!splitter) {
    throw new CryfoldError('USAGE', `--protocol: there is no protocol ${JSON.stringify(overrides.protocol)}`, {
      hint: `There are: ${Object.keys(PROTOCOLS).join(', ')}.`,
    });
  }
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
    if (absent.length === 0) fusion[name] = rule;
    else say(`${name} is left out: it needs ${absent.join(', ')}`);
  }
  const nulls = overrides.null ?? spec.nulls;
  const { search, ...plain } = spec;
  const space = Object.fromEntries(
    Object.entries(search?.space ?? {}).filter(([name]) => Object.hasOwn(estimators, name)),
  );
  return {
    ...plain,
    ...(search && Object.keys(space).length > 0 ? { search: { ...search, space } } : {}),
    ...(nulls === undefined ? {} : { nulls }),
    seed,
    protocol: { splitter, repeats, folds },
    estimators,
    fusion,
  };
}

export interface Preparation {
  plan: RunPlan;
  dataset: Dataset;
  manifest: DatasetManifest;
  /** Files of pretrained weights by their hex sha256 */
  weights: Map<string, string>;
  /** What the leak gate found but let pass */
  leaks: string[];
  /** Indices of the clips that hold the same sound, per sound */
  sounds: number[][];
}

export interface PrepareOptions {
  spec: Spec;
  data: string;
  limit?: number;
  skipBad: boolean;
  allowLeak: boolean;
  /** Join the groups of equal and overlapping sounds */
  groupDuplicates: boolean;
  /** Where weights given by URL or store key are fetched from and kept */
  sources: WeightsSourceOptions;
  onProgress: (text: string) => void;
}

/** Reads and checks the data, and plans the run. Writes nothing. */
export async function prepareRun(options: PrepareOptions): Promise<Preparation> {
  const { spec, data, limit, skipBad, sources, onProgress } = options;
  if (options.groupDuplicates && !isGrouped(spec.protocol.splitter)) {
    throw new CryfoldError('USAGE', `--group-duplicates: ${spec.protocol.splitter} keeps no groups together`, {
      context: { splitter: spec.protocol.splitter },
      hint: 'Ask for grouped folds, such as with --protocol grouped.',
    });
  }
  const whole = await readDataset(data, {
    clipSeconds: spec.features.clipSeconds,
    skipBad,
    onProgress: (done, total) => onProgress(`reading ${done}/${total} files`),
  });
  const found = limit === undefined ? whole : limitClips(whole, limit, spec.seed);
  const { folds } = spec.protocol;
  if (found.clips.length < folds) {
    throw new CryfoldError('DATA_TOO_FEW', `${data}: ${found.clips.length} clips are too few for ${folds} folds`, {
      context: { clips: found.clips.length, folds },
      hint: 'Add recordings, or ask for fewer folds with --folds.',
    });
  }
  checkPlanSize(spec, found);
  onProgress('comparing sounds');
  const sounds = await sharedSounds(found);
  const dataset = options.groupDuplicates ? joinGroups(found, sounds) : found;
  const splits = makeSplits(spec, dataset);
  const leaks = checkLeaks(spec, dataset, splits, { sounds, allowLeak: options.allowLeak });
  const weights = new Map<string, string>();
  const manifest: DatasetManifest = {
    format: FORMATS.manifest,
    name: dataset.name,
    contentHash: dataset.contentHash,
    grouped: dataset.grouped,
    classes: dataset.classes,
    rates: inspectDataset(dataset).rates,
    clips: dataset.clips.map(({ id, label, group, hash }) => ({ id, label, group, hash })),
  };
  const plan = planRun({
    spec: await resolveSpecWeights(spec, sources, weights),
    manifest,
    splits: [...splits, ...innerSplits(spec, dataset, splits)],
  });
  return { plan, dataset, manifest, weights, leaks, sounds };
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
  { plan, dataset, manifest, weights, sounds }: Preparation,
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
  await store.datasets.saveSharedSounds(manifest.contentHash, sounds);
  await store.datasets.saveManifest(manifest);
}
