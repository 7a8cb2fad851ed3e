import type { ArtifactStore } from '@cryfold/artifacts';
import { storeKeys } from '@cryfold/artifacts';
import { mapLimited, RUN_ID, readPlan, runIds } from '@cryfold/control';
import { CryfoldError, decodeRecord, isNewer, isUnreadable, unlessUnreadable } from '@cryfold/core';
import { kindOf } from '@cryfold/estimators';
import { bestModel, type FoldResult, foldResultSchema, prerequisiteOf, type RunPlan } from '@cryfold/plan';
import type { Config } from '@cryfold/runtime';
import { type ControlOptions, withControl } from './control.js';
import { EXIT } from './exit-codes.js';
import { jsonText, say } from './terminal.js';

export interface GcOptions extends ControlOptions {
  delete: boolean;
  olderThan: number;
}

const HEX = /[0-9a-f]{16,64}/g;

/**
 * `cryfold gc`: finds what no run and no model refers to, and deletes it when asked. What is younger than `olderThan`
 * hours stays: a command may be about to publish the run that needs it. While a run or a model has a record that cannot be
 * read, nothing is garbage.
 */
export async function gcCommand(options: GcOptions, config: Config): Promise<number> {
  if (config.server) {
    throw new CryfoldError('USAGE', 'cryfold gc: nothing can be deleted through a server', {
      hint: 'Run it where CRYFOLD_STORE and its credentials are.',
    });
  }
  return withControl(options, config, async ({ store }) => {
    const roots = await findRoots(store);
    if (roots.unreadable.length > 0) return refuse(roots.unreadable, options.json);
    const before = Date.now() - options.olderThan * 3_600_000;
    const garbage: { key: string; bytes: number }[] = [];
    const keys: string[] = [];
    for await (const key of store.list('')) if (!isKept(key, roots)) keys.push(key);
    await mapLimited(keys, async (key) => {
      const found = await store.stat(key);
      if (found && found.modified.getTime() <= before) garbage.push({ key, bytes: found.bytes });
    });
    garbage.sort((a, b) => (a.key < b.key ? -1 : 1));
    if (options.delete) await mapLimited(garbage, ({ key }) => store.delete(key));
    const bytes = garbage.reduce((sum, one) => sum + one.bytes, 0);
    const young = keys.length - garbage.length;
    if (options.json) {
      say(`${jsonText({ deleted: options.delete, objects: garbage.length, bytes, young, garbage })}\n`);
      return EXIT.done;
    }
    for (const one of garbage) say(`${options.delete ? 'deleted' : 'garbage'}  ${one.key}\n`);
    const verb = options.delete ? 'deleted' : 'could be deleted (--delete does it)';
    say(`${garbage.length} objects, ${(bytes / 2 ** 20).toFixed(1)} MiB ${verb}`);
    say(young > 0 ? `; ${young} younger than ${options.olderThan} h stay\n` : '\n');
    return EXIT.done;
  });
}

/** What cannot be read may refer to anything: nothing is garbage until it is repaired or removed. */
function refuse(unreadable: readonly string[], json: boolean): number {
  if (json) say(`${jsonText({ deleted: false, objects: 0, bytes: 0, unreadable })}\n`);
  else {
    for (const message of unreadable) say(`damaged  ${message}\n`);
    say(
      'nothing is deleted: what these records refer to is unknown. Restore them from a backup, or remove the run or version.\n',
    );
  }
  return EXIT.failed;
}

interface Roots {
  /** Folds by key, with the attempt that was committed, if any */
  folds: Map<string, string | undefined>;
  keys: Set<string>;
  /** Folds whose trained networks a run asked to keep */
  models: Set<string>;
  /** Every hash that a model's records mention: what lies under such a name is kept */
  hashes: Set<string>;
  /** Records that cannot be read, so that nobody knows what they refer to */
  unreadable: string[];
}

async function findRoots(store: ArtifactStore): Promise<Roots> {
  const roots: Roots = { folds: new Map(), keys: new Set(), models: new Set(), hashes: new Set(), unreadable: [] };
  const planned = new Set(await runIds(store));
  for (const run of planned) {
    try {
      await addRun(store, await readPlan(store, run), roots);
    } catch (error) {
      // What a newer version needs is unknown here: nothing is collected at all.
      if (!isUnreadable(error) || isNewer(error)) throw error;
      roots.unreadable.push((error as CryfoldError).message);
    }
  }
  const seen = new Set<string>();
  for await (const key of store.list('runs/')) {
    const run = key.split('/')[1];
    if (planned.has(run) || seen.has(run)) continue;
    seen.add(run);
    roots.unreadable.push(
      RUN_ID.test(run)
        ? `${storeKeys.plan(run)}: not there, but other records of the run are`
        : `runs/${run}: not the name of a run, but records are there`,
    );
  }
  // Pointers to the distances that a grown corpus reuses.
  for await (const key of store.list('features/')) {
    if (/^features\/latest-gram-\d+\.json$/.test(key)) roots.keys.add(key);
  }
  for await (const key of store.list('models/')) {
    if (!/\.(json|md|yaml)$/.test(key)) continue;
    const text = new TextDecoder().decode((await store.get(key)) ?? new Uint8Array());
    for (const [hash] of text.matchAll(HEX)) roots.hashes.add(hash);
    if (key.endsWith('.json') && !isJson(text)) roots.unreadable.push(`${key}: not JSON`);
  }
  return roots;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Adds what a run refers to. */
async function addRun(store: ArtifactStore, plan: RunPlan, roots: Roots): Promise<void> {
  const { images, manifest, weights } = storeKeys;
  roots.keys.add(images(plan.features.key));
  roots.keys.add(manifest(plan.dataset.key));
  for (const [trial, estimator] of Object.entries(plan.spec.estimators)) {
    const needed = prerequisiteOf(plan, trial);
    if (needed) roots.keys.add(needed.artifact);
    const kind = kindOf(estimator);
    for (const key of kind.keeps?.(estimator, plan.features.key) ?? []) roots.keys.add(key);
    const hash = /[0-9a-f]{64}/.exec(kind.pretrained?.source(estimator) ?? '')?.[0];
    if (hash) roots.keys.add(weights(hash));
  }
  const results = new Map<string, FoldResult>();
  await mapLimited(plan.jobs, async ({ key }) => {
    if (roots.folds.has(key) && !keepsModels(plan)) return;
    const bytes = await store.get(storeKeys.result(key));
    // A damaged record does not say which attempt was committed: as without one, all are kept.
    const result = bytes && unlessUnreadable(() => decodeRecord(foldResultSchema, bytes, storeKeys.result(key)));
    roots.folds.set(key, result?.attempt);
    if (result) results.set(key, result);
  });
  for (const key of keptModels(plan, results)) roots.models.add(key);
}

function keepsModels({ spec }: Pick<RunPlan, 'spec'>): boolean {
  return (spec.keepModels ?? 'none') !== 'none';
}

/** The folds whose models the run's spec keeps. */
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
  // Attempts beside the committed one can never win; the logs of failed ones are still worth reading.
  return committed === undefined || attempt === 'result.json' || attempt === committed || key.endsWith('/log.txt');
}
