import { createReadStream } from 'node:fs';
import { CryfoldError, FORMATS } from '@cryfold/core';
import {
  type Dataset,
  inspectDataset,
  joinGroups,
  limitClips,
  readDataset,
  readLabels,
  sharedSounds,
  testOnOther,
} from '@cryfold/corpus';
import { commandFileKey } from '@cryfold/estimators';
import { type Audit, isGrouped, splitterOf } from '@cryfold/evaluation';
import { type ComputedFeatures, computeFeatures } from '@cryfold/features';
import type { WeightsSourceOptions } from '@cryfold/nn';
import {
  checkPlanSize,
  cutOptions,
  type DatasetManifest,
  plannedFeatures,
  planRun,
  type RunPlan,
  type Spec,
} from '@cryfold/plan';
import { innerSplits, makeSplits, refuseUnknownGroups } from '@cryfold/run-control';
import type { RunStore } from '@cryfold/store';
import { auditDataset } from './audit-dataset.js';
import { readGivenFeatures, refuseGivenFeatures } from './given-features.js';
import { checkLeaks } from './leak-gate.js';
import { resolveSpecFiles } from './spec-files.js';
import { resolveSpecWeights } from './spec-weights.js';

export interface Preparation {
  plan: RunPlan;
  dataset: Dataset;
  manifest: DatasetManifest;
  /** Files with pretrained weights by their sha256 (hex) */
  weights: Map<string, string>;
  /** Files that estimators need, by their sha256 (hex) */
  files: Map<string, Uint8Array>;
  /** Feature sets that the user provides as files, by key */
  given: Map<string, ComputedFeatures>;
  /** Warnings about leaks that do not prevent the run */
  leaks: string[];
  /** For each sound, the indices of the clips that share it */
  sounds: number[][];
  /** Properties of the recordings, and whether they predict the class */
  audit: Audit;
}

export interface PrepareOptions {
  spec: Spec;
  /** Folder of the spec, to which its paths are relative; default: the working directory */
  specFolder?: string;
  data: string;
  limit?: number;
  /** How groups are defined (see `ReadOptions` of @cryfold/corpus) */
  groupBy?: string;
  /** Name of the directory's layout */
  layout?: string;
  /** Another corpus, on which a model trained on all clips is tested; requires PredefinedSplit */
  testOn?: string;
  skipBad: boolean;
  /** Whether to merge groups that share equal or overlapping sounds */
  groupDuplicates: boolean;
  /** Where to fetch weights that are given by URL or store key, and where to cache them */
  sources: WeightsSourceOptions;
  /** Whether to continue with a warning if grouped folds leak */
  allowLeak: boolean;
  /** Looks up the shared sounds of a dataset by its content hash, if an earlier command has compared its recordings */
  knownSounds?: ((contentHash: string) => Promise<number[][] | undefined>) | undefined;
  onProgress: (text: string) => void;
}

/**
 * Reads the data up to the limit on clips. If `testOn` is set, adds that corpus as one test fold; its groups and layout
 * are always detected. `leftOut` contains the ids of clips beyond the limit.
 */
async function readData(options: PrepareOptions): Promise<{ found: Dataset; leftOut: string[] }> {
  const { spec, data, limit, skipBad, groupBy, layout, testOn, onProgress } = options;
  const leftOut: string[] = [];
  const read = async (path: string, flags: { groupBy?: string | undefined; layout?: string | undefined }) => {
    const whole = await readDataset(path, {
      ...{ ...flags, skipBad, ...cutOptions(spec) },
      folds: spec.protocol.splitter === 'PredefinedSplit' && testOn === undefined,
      onProgress: (done, total) => onProgress(`reading ${done}/${total} files`),
    });
    if (limit === undefined) return whole;
    const limited = limitClips(whole, limit, spec.seed);
    const kept = new Set(limited.clips);
    for (const clip of whole.clips) if (!kept.has(clip)) leftOut.push(clip.id);
    return limited;
  };
  const own = await read(data, { groupBy, layout });
  return { found: testOn === undefined ? own : testOnOther(own, await read(testOn, {})), leftOut };
}

/**
 * Fails, before any recording is decoded, if the spec needs groups but they are unknown.
 * @throws CryfoldError GROUPS_UNKNOWN, or any error that occurs while listing the data
 */
export async function checkGroupsKnown(
  spec: Spec,
  { data, groupBy, layout, groupDuplicates }: Pick<PrepareOptions, 'data' | 'groupBy' | 'layout' | 'groupDuplicates'>,
): Promise<void> {
  if (groupDuplicates || !isGrouped(spec.protocol.splitter)) return;
  refuseUnknownGroups(spec, await readLabels(data, { groupBy, layout }));
}

/**
 * Reads and checks the data, and plans the run. Writes nothing.
 * @throws CryfoldError USAGE, DATA_TOO_FEW, LEAK_FOUND, FEATURES_INVALID, or any error that occurs while reading data
 * or weights
 */
export async function prepareRun(options: PrepareOptions): Promise<Preparation> {
  const { spec, data, sources, onProgress } = options;
  if (options.groupDuplicates && !isGrouped(spec.protocol.splitter)) {
    throw new CryfoldError('USAGE', `--group-duplicates: ${spec.protocol.splitter} does not keep groups together`, {
      context: { splitter: spec.protocol.splitter },
      hint: 'Use grouped folds, for example with --protocol grouped.',
    });
  }
  if (options.testOn !== undefined) refuseGivenFeatures(spec);
  const { found, leftOut } = await readData(options);
  const { folds, splitter } = spec.protocol;
  if (splitterOf(splitter).takes.includes('folds') && found.clips.length < folds) {
    throw new CryfoldError('DATA_TOO_FEW', `${data}: ${found.clips.length} clips are too few for ${folds} folds`, {
      context: { clips: found.clips.length, folds },
      hint: 'Add recordings, or use fewer folds with --folds.',
    });
  }
  checkPlanSize(spec, found);
  onProgress('comparing sounds');
  const sounds = (await options.knownSounds?.(found.contentHash)) ?? (await sharedSounds(found));
  const dataset = options.groupDuplicates ? joinGroups(found, sounds) : found;
  const folder = options.specFolder ?? '.';
  const given = await readGivenFeatures(spec, folder, dataset, leftOut);
  const splits = makeSplits(spec, dataset);
  const leaks = checkLeaks(spec, dataset, splits, { sounds, allowLeak: options.allowLeak });
  onProgress('auditing recordings');
  const audit = auditDataset(dataset, sounds);
  const weights = new Map<string, string>();
  const files = new Map<string, Uint8Array>();
  const manifest: DatasetManifest = {
    format: manifestFormat(dataset),
    name: dataset.name,
    contentHash: dataset.contentHash,
    grouped: dataset.grouped,
    groupSource: dataset.groupSource,
    classes: dataset.classes,
    rates: inspectDataset(dataset).rates,
    ...(dataset.decoders.length > 0 ? { decoders: dataset.decoders } : {}),
    ...(dataset.notes.length > 0 ? { notes: dataset.notes } : {}),
    clips: dataset.clips.map(({ id, label, group, hash, fold }) => {
      return { id, label, group, hash, ...(fold === undefined ? {} : { fold }) };
    }),
  };
  const plan = planRun({
    spec: await resolveSpecFiles(await resolveSpecWeights(given.spec, sources, weights), folder, files),
    manifest,
    splits: [...splits, ...innerSplits(spec, dataset, splits)],
  });
  return { plan, dataset, manifest, weights, files, given: given.rows, leaks, sounds, audit };
}

/** The oldest format that can represent the manifest, so that older versions can read it. */
function manifestFormat({ decoders, notes }: Dataset): DatasetManifest['format'] {
  // Format 2 added `groupSource`, which is always present.
  return decoders.length > 0 || notes.length > 0 ? FORMATS.manifest : 2;
}

/**
 * Saves everything that workers need in the store. The plan comes last, since it starts the run. Folds that failed
 * permanently in an earlier attempt are retried.
 * @param submit submits the run to a server, which creates the plan itself
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
  // Called first, because it refuses to overwrite a run created by a newer version.
  await store.runs.savePlan(plan);
  await store.runs.reopen(plan.run);
}

/** Saves everything that a plan refers to, except for content that already exists. */
async function publishInputs(
  store: RunStore,
  { plan, dataset, manifest, weights, files, given, sounds, audit }: Preparation,
  onProgress: (text: string) => void,
): Promise<void> {
  for (const [key, set] of plannedFeatures(plan)) {
    if (await store.datasets.hasFeatures(key)) continue;
    const compute = () =>
      computeFeatures(dataset, set, (done, total) => onProgress(`computing ${set.kind} features ${done}/${total}`));
    await store.datasets.saveFeatures(key, given.get(key) ?? (await compute()));
  }
  for (const [sha256, path] of weights) await store.weights.put(sha256, () => createReadStream(path));
  for (const [hash, bytes] of files) await store.artifacts.putIfAbsent(commandFileKey(hash), bytes);
  await store.datasets.saveSharedSounds(manifest.contentHash, sounds);
  await store.datasets.saveAudit(manifest.contentHash, audit);
  await store.datasets.saveManifest(manifest);
}
