import { type CryfoldError, ifReadable, isNewer, isUnreadable, mapLimited } from '@cryfold/core';
import { kindOf } from '@cryfold/estimators';
import { bestModel, type FoldResult, featureKeyOf, plannedFeatures, prerequisiteOf, type RunPlan } from '@cryfold/plan';
import type { ArtifactStore } from './artifact-store.js';
import { storeKeys } from './records/keys.js';
import { RUN_ID } from './records/runs.js';
import type { RunStore } from './run-store.js';

const HEX = /[0-9a-f]{16,64}/g;

export interface Garbage {
  /** Unreferenced objects, by key */
  objects: { key: string; bytes: number }[];
  /** Number of unreferenced objects that are kept because they changed after `before` */
  young: number;
  /**
   * Messages about unreadable records. An unreadable record might refer to any object, so nothing is treated as garbage
   * while there is one.
   */
  unreadable: string[];
}

/**
 * Finds objects that no run and no model refers to.
 * @param before Unix milliseconds; objects that changed later are kept, since a command may be about to publish the run
 * that needs them
 * @throws CryfoldError FORMAT_NEWER if a newer version of cryfold wrote a run, because its references are unknown
 */
export async function findGarbage(store: RunStore, before: number): Promise<Garbage> {
  const roots = await findRoots(store);
  if (roots.unreadable.length > 0) return { objects: [], young: 0, unreadable: roots.unreadable };
  const keys: string[] = [];
  for await (const key of store.artifacts.list('')) if (!isKept(key, roots)) keys.push(key);
  const objects: Garbage['objects'] = [];
  await mapLimited(keys, async (key) => {
    const found = await store.artifacts.stat(key);
    if (found && found.modified.getTime() <= before) objects.push({ key, bytes: found.bytes });
  });
  objects.sort((a, b) => (a.key < b.key ? -1 : 1));
  return { objects, young: keys.length - objects.length, unreadable: [] };
}

/** Deletes the objects found by `findGarbage`. */
export async function deleteGarbage(store: RunStore, { objects }: Garbage): Promise<void> {
  await mapLimited(objects, ({ key }) => store.artifacts.delete(key));
}

interface Roots {
  /** Folds by key, with the committed attempt, if any */
  folds: Map<string, string | undefined>;
  keys: Set<string>;
  /** Folds whose trained networks a run keeps */
  models: Set<string>;
  /** Every hash that a model's records contain; objects with one of these hashes in their name are kept */
  hashes: Set<string>;
  /** Messages about unreadable records, whose references are therefore unknown */
  unreadable: string[];
}

async function findRoots(store: RunStore): Promise<Roots> {
  const roots: Roots = { folds: new Map(), keys: new Set(), models: new Set(), hashes: new Set(), unreadable: [] };
  await addRuns(store, roots);
  // Keeps the records that refer to the latest distances, which are reused when a corpus has grown.
  for await (const key of store.artifacts.list('features/')) {
    if (storeKeys.isLatestGram(key)) roots.keys.add(key);
  }
  await addModels(store.artifacts, roots);
  return roots;
}

/** Adds the references of every run. Records without a plan count as an unreadable run. */
async function addRuns(store: RunStore, roots: Roots): Promise<void> {
  const planned = new Set(await store.runs.ids());
  for (const run of planned) {
    try {
      await addRun(store, (await store.runs.plan(run)).plan, roots);
    } catch (error) {
      // This version cannot know which objects a newer version's record refers to, so no garbage may be collected.
      if (!isUnreadable(error) || isNewer(error)) throw error;
      roots.unreadable.push((error as CryfoldError).message);
    }
  }
  const seen = new Set<string>();
  for await (const key of store.artifacts.list('runs/')) {
    const run = key.split('/')[1];
    if (planned.has(run) || seen.has(run)) continue;
    seen.add(run);
    roots.unreadable.push(
      RUN_ID.test(run)
        ? `${storeKeys.plan(run)}: missing, although other records of the run exist`
        : `runs/${run}: not a run id, but the folder contains records`,
    );
  }
}

/** Adds every hash that the records of final models contain. */
async function addModels(store: ArtifactStore, roots: Roots): Promise<void> {
  for await (const key of store.list('models/')) {
    if (!/\.(json|md|yaml)$/.test(key)) continue;
    const text = new TextDecoder().decode((await store.get(key)) ?? new Uint8Array());
    for (const [hash] of text.matchAll(HEX)) roots.hashes.add(hash);
    if (key.endsWith('.json') && !isJson(text)) roots.unreadable.push(`${key}: not JSON`);
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Adds the references of a run. */
async function addRun(store: RunStore, plan: RunPlan, roots: Roots): Promise<void> {
  for (const features of plannedFeatures(plan).keys()) {
    for (const key of Object.values(store.datasets.featureFiles(features))) roots.keys.add(key);
  }
  roots.keys.add(storeKeys.manifest(plan.dataset.key));
  roots.keys.add(storeKeys.sounds(plan.dataset.key));
  roots.keys.add(storeKeys.audit(plan.dataset.key));
  for (const [trial, estimator] of Object.entries(plan.spec.estimators)) {
    const needed = prerequisiteOf(plan, trial);
    if (needed) roots.keys.add(needed.artifact);
    const kind = kindOf(estimator);
    for (const key of kind.keeps?.(estimator, featureKeyOf(plan, trial)) ?? []) roots.keys.add(key);
    const hash = /[0-9a-f]{64}/.exec(kind.pretrained?.source(estimator) ?? '')?.[0];
    if (hash) roots.keys.add(storeKeys.weights(hash));
  }
  const results = new Map<string, FoldResult>();
  await mapLimited(plan.jobs, async ({ key }) => {
    if (roots.folds.has(key) && !keepsModels(plan)) return;
    // A damaged record does not show which attempt was committed, so all attempts are kept, as if there were no record.
    const result = await ifReadable(store.folds.result(key));
    roots.folds.set(key, result?.attempt);
    if (result) results.set(key, result);
  });
  for (const key of keptModels(plan, results)) roots.models.add(key);
}

function keepsModels({ spec }: Pick<RunPlan, 'spec'>): boolean {
  return (spec.keepModels ?? 'none') !== 'none';
}

/** The folds whose models the run's spec asks to keep. */
function keptModels({ spec, jobs }: RunPlan, results: ReadonlyMap<string, FoldResult>): string[] {
  if (!keepsModels({ spec })) return [];
  if (spec.keepModels === 'all') return jobs.map(({ key }) => key);
  return Object.keys(spec.estimators).flatMap((trial) => {
    const own = jobs.filter((job) => job.trial === trial).flatMap(({ key }) => results.get(key) ?? []);
    return bestModel(own)?.key ?? [];
  });
}

function isKept(key: string, { folds, keys, models, hashes }: Roots): boolean {
  const [kind, id, attempt, file] = key.split('/');
  if (kind === 'runs' || kind === 'models' || keys.has(key)) return true;
  if (key.split(/[/.-]/).some((part) => hashes.has(part))) return true;
  if (kind !== 'folds' || !folds.has(id)) return false;
  const committed = folds.get(id);
  if (attempt === committed && file === 'model') return models.has(id);
  // Only the committed attempt is ever used, but the logs of failed attempts are still worth reading.
  return committed === undefined || attempt === 'result.json' || attempt === committed || key.endsWith('/log.txt');
}
