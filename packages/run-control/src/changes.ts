import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { CryfoldError, isNewer, isUnreadable } from '@cryfold/core';
import { kindOf } from '@cryfold/estimators';
import { featureKindOf } from '@cryfold/features/kinds';
import {
  allFeatureSets,
  changeScheduling,
  initialScheduling,
  plannedFeatures,
  planRunInSteps,
  queuedIds,
  type RunPlan,
  type SchedulingChange,
  type Spec,
  submittedWeights,
} from '@cryfold/plan';
import type { Queues } from '@cryfold/queue';
import type { RunStore } from '@cryfold/store';
import { checkGivenContent } from './given-content.js';
import { allSplits } from './splits.js';

const READ_HERE = 'Start the run with cryfold run --server, which reads and uploads the files of its spec.';

/** Milliseconds within which every training child must have stopped. */
const STOPPED_MS = 10_000;

/**
 * Leaves a record in the store, which coordinator and workers look for every second or so, and waits until nothing of
 * the run is active any more. Finished folds are kept. A run that has ended is left as it is. One whose
 * plan is damaged or too large to be read can be cancelled too; one of a newer cryfold cannot.
 * @throws CryfoldError RUN_NOT_FOUND, FORMAT_NEWER
 */
export async function cancelRun(store: RunStore, queues: Queues | undefined, run: string): Promise<void> {
  const plan = await store.runs.plan(run).then(
    (stored) => stored.plan,
    (error) => {
      if (isNewer(error) || !isUnreadable(error)) throw error;
      return undefined;
    },
  );
  if (await store.runs.hasResults(run)) return;
  await store.runs.cancel(run);
  // Nobody works on a run whose plan cannot be read.
  if (!plan) return;
  const started = Date.now();
  const keys = new Set(plan.jobs.map((job) => job.key));
  while (queues && Date.now() - started < STOPPED_MS) {
    const active = [...(await queues.activeIds('gpu')), ...(await queues.activeIds('cpu'))];
    if (!active.some((id) => keys.has(id))) break;
    await sleep(200);
  }
}

/**
 * Changes how a run shares the workers, while it is driven or before; coordinators follow within a second or so. A run
 * that has ended is left as it is.
 * @throws CryfoldError RUN_NOT_FOUND, FORMAT_NEWER
 */
export async function scheduleRun(store: RunStore, run: string, change: SchedulingChange): Promise<void> {
  const { plan } = await store.runs.plan(run);
  if (await store.runs.hasResults(run)) return;
  await store.runs.saveScheduling(run, changeScheduling(await store.runs.scheduling(plan), change));
}

/**
 * Makes a run that failed, was stopped or cancelled unfinished again; undefined for a complete one.
 * @throws CryfoldError USAGE while it is running
 */
export async function reopenRun(
  store: RunStore,
  queues: Queues | undefined,
  run: string,
): Promise<RunPlan | undefined> {
  const { plan } = await store.runs.plan(run);
  if ((await store.runs.results(run))?.status === 'complete') return undefined;
  if ((await queues?.job('runs', run))?.state === 'active' && !(await store.runs.isCancelled(run))) {
    throw new CryfoldError('USAGE', `${run} is still running`, {
      context: { run },
      hint: `Wait for its end, or cancel it first: cryfold cancel ${run}`,
    });
  }
  await store.check();
  await store.runs.reopen(run);
  return plan;
}

/** Has a coordinator take an unfinished run; its scan of the store would find it within seconds, this makes it quick. */
export async function enqueueRun(queues: Queues, plan: RunPlan): Promise<void> {
  const { run } = plan;
  // First, since it waits for a connection that is still being made; the next question would fail at once.
  await queues.remove('runs', run);
  for (const queue of ['gpu', 'cpu'] as const) await queues.forgetFailures(queue, queuedIds(plan, queue));
  await queues.add('runs', [{ id: run, payload: { format: 1, kind: 'run', run } }]);
}

/**
 * The same evaluation with more repeats, as a run of its own. Folds that the two share have the same keys, so only the
 * new ones are trained.
 * @throws CryfoldError USAGE where there are as many repeats already
 */
export async function extendRun(store: RunStore, run: string, repeats: number): Promise<RunPlan> {
  const { base: old } = await store.runs.plan(run);
  if (repeats <= old.spec.protocol.repeats) {
    throw new CryfoldError('USAGE', `--repeats: ${run} has ${old.spec.protocol.repeats} repeats already`, {
      context: { run, repeats: old.spec.protocol.repeats },
      hint: `Ask for more than ${old.spec.protocol.repeats}.`,
    });
  }
  const spec = { ...old.spec, protocol: { ...old.spec.protocol, repeats } };
  return submitRun(store, spec, old.dataset.key);
}

/**
 * Plans a spec over a dataset whose manifest and images are in the store, and puts the plan there: from then on it is a
 * run that the coordinator drives. An equal run that ended incomplete is tried again; a complete one is left alone.
 * @throws CryfoldError ARTIFACT_MISSING, SPLIT_IMPOSSIBLE; SPEC_INVALID for weights, vectors or files by path or URL;
 * ARTIFACT_CORRUPT, FEATURES_INVALID for other vectors than the spec names, or some that do not fit the data
 */
export async function submitRun(store: RunStore, spec: Spec, dataset: string): Promise<RunPlan> {
  // Before the work of planning.
  submittedWeights(spec);
  checkGiven(spec);
  const manifest = await store.datasets.manifest(dataset);
  const splits = allSplits(spec, manifest);
  await setImmediate();
  return submitPlan(store, await planRunInSteps({ spec, manifest, splits }));
}

/** As `submitRun`, of a plan that was made already. */
export async function submitPlan(store: RunStore, plan: RunPlan): Promise<RunPlan> {
  const weights = submittedWeights(plan.spec);
  checkGiven(plan.spec);
  await checkFiles(store, plan.spec);
  await checkFeatures(store, plan);
  for (const hash of weights) {
    if (!(await store.weights.has(hash))) {
      throw missing(store.weights.key(hash), 'Upload them with cryfold weights put.');
    }
  }
  await store.check();
  if ((await store.runs.results(plan.run))?.status === 'complete') return plan;
  // Before anything is forgotten: a newer version's run is refused.
  await store.runs.savePlan(plan);
  await resume(store, plan);
  await store.runs.reopen(plan.run);
  return plan;
}

/** A run that is submitted again is no longer paused, and shares the workers as the spec says now, where it does. */
async function resume(store: RunStore, plan: RunPlan): Promise<void> {
  const { priority, maxParallel } = plan.spec;
  const before = await store.runs.scheduling(plan);
  const change = { ...(priority && { priority }), ...(maxParallel && { maxParallel }), paused: false };
  const after = changeScheduling(before, change);
  const asSpec = isDeepStrictEqual(after, initialScheduling(plan.spec));
  if (!asSpec || !isDeepStrictEqual(after, before)) await store.runs.saveScheduling(plan.run, after);
}

/** Nobody here could read vectors by their paths. @throws CryfoldError SPEC_INVALID */
function checkGiven(spec: Spec): void {
  for (const set of allFeatureSets(spec)) {
    const { given } = featureKindOf(set);
    if (!given || given.content(set) !== undefined) continue;
    throw new CryfoldError('SPEC_INVALID', 'features: a submitted spec names vectors by the hash of their content', {
      context: { member: 'features' },
      hint: READ_HERE,
    });
  }
}

/** Nobody here could read files by their paths. @throws CryfoldError SPEC_INVALID, ARTIFACT_MISSING */
async function checkFiles({ artifacts }: RunStore, { estimators }: Spec): Promise<void> {
  const hint = READ_HERE;
  for (const [name, estimator] of Object.entries(estimators)) {
    const { files } = kindOf(estimator);
    if (!files) continue;
    const keys = files.stored(estimator);
    if (!keys) {
      throw new CryfoldError(
        'SPEC_INVALID',
        `estimators.${name}.files: a submitted spec names files with their hashes`,
        {
          context: { member: `estimators.${name}.files` },
          hint,
        },
      );
    }
    for (const key of new Set(keys)) if (!(await artifacts.has(key))) throw missing(key, hint);
  }
}

/** Features are in the store, and given ones fit the data. @throws CryfoldError ARTIFACT_MISSING, ARTIFACT_CORRUPT, FEATURES_INVALID */
async function checkFeatures({ artifacts, datasets }: RunStore, plan: RunPlan): Promise<void> {
  for (const [features, set] of plannedFeatures(plan)) {
    const { given, produces, shape } = featureKindOf(set);
    const key = datasets.featureFiles(features)[produces];
    if (!given) {
      if (await datasets.hasFeatures(features)) continue;
      throw missing(key, 'Run the spec with --data once, which computes them.');
    }
    const stored = await artifacts.open(key);
    if (!stored) throw missing(key, READ_HERE);
    const expected = { sha256: given.content(set) ?? '', shape: [plan.dataset.clips, ...shape(set)] };
    await checkGivenContent(stored.stream, { key, ...expected, hint: READ_HERE });
  }
}

function missing(key: string, hint: string): CryfoldError {
  return new CryfoldError('ARTIFACT_MISSING', `${key} is not in the store`, { context: { key }, hint });
}
