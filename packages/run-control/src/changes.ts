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

const READ_HERE = 'Start the run with cryfold run --server, which reads and uploads the files that its spec refers to.';

/** Time limit in milliseconds for all training children to stop. */
const STOPPED_MS = 10_000;

/**
 * Cancels a run by writing a record to the store, and waits until no job of the run is active. The coordinator and the
 * workers check for this record about every second. Finished folds are kept. Does nothing if the run has ended. Can
 * also cancel a run whose plan is damaged or too large, but not a run created by a newer version of cryfold.
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
  // A run with an unreadable plan has no active jobs.
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
 * Changes how a run shares the workers with other runs, before or during the run. Coordinators apply the change within
 * about a second. Does nothing if the run has ended.
 * @throws CryfoldError RUN_NOT_FOUND, FORMAT_NEWER
 */
export async function scheduleRun(store: RunStore, run: string, change: SchedulingChange): Promise<void> {
  const { plan } = await store.runs.plan(run);
  if (await store.runs.hasResults(run)) return;
  await store.runs.saveScheduling(run, changeScheduling(await store.runs.scheduling(plan), change));
}

/**
 * Reopens a run that failed, was stopped or was cancelled. Returns undefined if the run is complete.
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
      hint: `Wait until the run finishes, or cancel it first with: cryfold cancel ${run}`,
    });
  }
  await store.check();
  await store.runs.reopen(run);
  return plan;
}

/**
 * Enqueues an unfinished run for a coordinator, so that it does not have to wait for the next scan of the store.
 */
export async function enqueueRun(queues: Queues, plan: RunPlan): Promise<void> {
  const { run } = plan;
  // `remove` is called first, because it waits until Redis is connected, whereas the other methods would fail
  // immediately without a connection.
  await queues.remove('runs', run);
  for (const queue of ['gpu', 'cpu'] as const) await queues.forgetFailures(queue, queuedIds(plan, queue));
  await queues.add('runs', [{ id: run, payload: { format: 1, kind: 'run', run } }]);
}

/**
 * Plans a new run that evaluates the same spec with more repeats. Folds that both runs have in common have the same
 * keys, so only the additional folds are trained.
 * @throws CryfoldError USAGE if the run already has that many repeats
 */
export async function extendRun(store: RunStore, run: string, repeats: number): Promise<RunPlan> {
  const { base: old } = await store.runs.plan(run);
  if (repeats <= old.spec.protocol.repeats) {
    throw new CryfoldError('USAGE', `--repeats: ${run} already has ${old.spec.protocol.repeats} repeats`, {
      context: { run, repeats: old.spec.protocol.repeats },
      hint: `Choose more than ${old.spec.protocol.repeats} repeats.`,
    });
  }
  const spec = { ...old.spec, protocol: { ...old.spec.protocol, repeats } };
  return submitRun(store, spec, old.dataset.key);
}

/**
 * Plans a spec for a dataset whose manifest and features are in the store, and saves the plan, so that a coordinator
 * executes the run. If the same run already exists, it is retried if incomplete, and left unchanged if complete.
 * @throws CryfoldError ARTIFACT_MISSING, SPLIT_IMPOSSIBLE; SPEC_INVALID for weights, vectors or files given by path or
 * URL; ARTIFACT_CORRUPT, FEATURES_INVALID for vectors that do not match the spec or the data
 */
export async function submitRun(store: RunStore, spec: Spec, dataset: string): Promise<RunPlan> {
  // Checked before planning, because planning is expensive.
  submittedWeights(spec);
  checkGiven(spec);
  const manifest = await store.datasets.manifest(dataset);
  const splits = allSplits(spec, manifest);
  await setImmediate();
  return submitPlan(store, await planRunInSteps({ spec, manifest, splits }));
}

/** Like `submitRun`, for an existing plan. */
export async function submitPlan(store: RunStore, plan: RunPlan): Promise<RunPlan> {
  const weights = submittedWeights(plan.spec);
  checkGiven(plan.spec);
  await checkFiles(store, plan.spec);
  await checkFeatures(store, plan);
  for (const hash of weights) {
    if (!(await store.weights.has(hash))) {
      throw missing(store.weights.key(hash), 'Upload it with cryfold weights put.');
    }
  }
  await store.check();
  if ((await store.runs.results(plan.run))?.status === 'complete') return plan;
  // Saved before anything is reset, because saving refuses to overwrite a run created by a newer version.
  await store.runs.savePlan(plan);
  await resume(store, plan);
  await store.runs.reopen(plan.run);
  return plan;
}

/** Resumes a resubmitted run, and applies the spec's scheduling if there is any. */
async function resume(store: RunStore, plan: RunPlan): Promise<void> {
  const { priority, maxParallel } = plan.spec;
  const before = await store.runs.scheduling(plan);
  const change = { ...(priority && { priority }), ...(maxParallel && { maxParallel }), paused: false };
  const after = changeScheduling(before, change);
  const asSpec = isDeepStrictEqual(after, initialScheduling(plan.spec));
  if (!asSpec || !isDeepStrictEqual(after, before)) await store.runs.saveScheduling(plan.run, after);
}

/**
 * Rejects a submitted spec that refers to vectors by path: the server cannot read the client's files.
 * @throws CryfoldError SPEC_INVALID
 */
function checkGiven(spec: Spec): void {
  for (const set of allFeatureSets(spec)) {
    const { given } = featureKindOf(set);
    if (!given || given.content(set) !== undefined) continue;
    throw new CryfoldError('SPEC_INVALID', 'features: a submitted spec must reference vectors by content hash', {
      context: { member: 'features' },
      hint: READ_HERE,
    });
  }
}

/**
 * Rejects a submitted spec that refers to files by path: the server cannot read the client's files.
 * @throws CryfoldError SPEC_INVALID, ARTIFACT_MISSING
 */
async function checkFiles({ artifacts }: RunStore, { estimators }: Spec): Promise<void> {
  const hint = READ_HERE;
  for (const [name, estimator] of Object.entries(estimators)) {
    const { files } = kindOf(estimator);
    if (!files) continue;
    const keys = files.stored(estimator);
    if (!keys) {
      throw new CryfoldError(
        'SPEC_INVALID',
        `estimators.${name}.files: a submitted spec must reference files by content hash`,
        {
          context: { member: `estimators.${name}.files` },
          hint,
        },
      );
    }
    for (const key of new Set(keys)) if (!(await artifacts.has(key))) throw missing(key, hint);
  }
}

/**
 * Checks that features are in the store, and that external vectors match the data.
 * @throws CryfoldError ARTIFACT_MISSING, ARTIFACT_CORRUPT, FEATURES_INVALID
 */
async function checkFeatures({ artifacts, datasets }: RunStore, plan: RunPlan): Promise<void> {
  for (const [features, set] of plannedFeatures(plan)) {
    const { given, produces, shape } = featureKindOf(set);
    const key = datasets.featureFiles(features)[produces];
    if (!given) {
      if (await datasets.hasFeatures(features)) continue;
      throw missing(key, 'Run the spec with --data once to compute it.');
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
