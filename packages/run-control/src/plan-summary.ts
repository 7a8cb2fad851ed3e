import { mapLimited } from '@cryfold/core';
import { type Estimator, type FoldQueue, kindOf } from '@cryfold/estimators';
import { decide, gridSize } from '@cryfold/hyperparameter-search';
import { contextSplits, contextsOf, growPlan, type RunPlan, replay } from '@cryfold/plan';
import type { RunStore } from '@cryfold/store';
import { type History, readHistory } from './fold-history.js';

/** What an hour of a worker costs, in any currency. */
export interface HourPrices {
  gpuHourPrice?: number;
  cpuHourPrice?: number;
}

interface PlannedEstimator {
  estimator: string;
  kind: Estimator['kind'];
  queue: FoldQueue;
  trials: number;
  /** At most: racing, asha and shared keys make them fewer */
  folds: number;
  /** Of those that can be named already */
  inStore: number;
  /** Of the folds that are left; null where no fold of this kind was ever trained into this store */
  hours: number | null;
  /** How many committed folds that follows from */
  history: number;
}

export interface PlanSummary {
  run: string;
  clips: number;
  estimators: PlannedEstimator[];
  trials: number;
  folds: number;
  inStore: number;
  /** Null where unknown */
  gpuHours: number | null;
  cpuHours: number | null;
  cost: number | null;
}

/**
 * Everything that can be said before a run starts.
 * @param prices of an hour of a worker; a cost is given where the prices of all used hours are
 */
export async function summarisePlan(
  plan: RunPlan,
  store: RunStore,
  { gpuHourPrice, cpuHourPrice }: HourPrices,
): Promise<PlanSummary> {
  const known = await knownJobs(plan, store);
  const history = await readHistory(store);
  const done = new Map<string, boolean>();
  const keys = [...new Set(known.flatMap(({ jobs }) => jobs.map(({ key }) => key)))];
  await mapLimited(keys, async (key) => done.set(key, await store.folds.has(key)));
  const estimators = known.map(({ name, jobs, trials, folds }): PlannedEstimator => {
    const estimator = plan.spec.estimators[name];
    const unique = [...new Map(jobs.map((job) => [job.key, job])).values()];
    const inStore = unique.filter(({ key }) => done.get(key)).length;
    const left = Math.max(0, folds - (jobs.length - unique.length) - inStore);
    const { hours, count } = hoursOf(estimator, plan, left, history);
    return {
      estimator: name,
      ...{ kind: estimator.kind, queue: kindOf(estimator).queue, trials, inStore, hours, history: count },
      folds: folds - (jobs.length - unique.length),
    };
  });
  const sum = (member: 'trials' | 'folds' | 'inStore') => estimators.reduce((all, one) => all + one[member], 0);
  const hours = (queue: FoldQueue) =>
    estimators.reduce<number | null>(
      (all, one) => (one.queue !== queue ? all : all === null || one.hours === null ? null : all + one.hours),
      0,
    );
  const [gpuHours, cpuHours] = [hours('gpu'), hours('cpu')];
  const part = (used: number | null, price: number | undefined) =>
    used === 0 ? 0 : used === null || price === undefined ? null : used * price;
  const [gpuCost, cpuCost] = [part(gpuHours, gpuHourPrice), part(cpuHours, cpuHourPrice)];
  const priced = gpuHourPrice !== undefined || cpuHourPrice !== undefined;
  return {
    run: plan.run,
    clips: plan.dataset.clips,
    estimators,
    ...{ trials: sum('trials'), folds: sum('folds'), inStore: sum('inStore'), gpuHours, cpuHours },
    cost: priced && gpuCost !== null && cpuCost !== null ? gpuCost + cpuCost : null,
  };
}

/** Per estimator, the fold jobs that can be named before anything is trained, and how many there will be in all. */
async function knownJobs(plan: RunPlan, store: RunStore) {
  const begun = (await store.runs.has(plan.run)) ? await store.runs.plan(plan.run) : undefined;
  const { search } = plan.spec;
  const empty = replay([]);
  const log = begun?.search?.trials.size
    ? begun.search
    : search && replay(decide({ plan, log: empty, outcome: () => undefined }));
  const grown = log ? growPlan(plan, log) : plan;
  const outer = contextSplits(plan, 0).length;
  return Object.entries(plan.spec.estimators).map(([name, estimator]) => {
    const baseOf = (trial: string) => log?.trials.get(trial)?.base ?? trial;
    const jobs = grown.jobs.filter(({ trial }) => baseOf(trial) === name);
    const space = search && Object.hasOwn(search.space, name) ? search.space[name] : undefined;
    if (!search || !space) return { name, jobs, trials: 1, folds: jobs.length };
    const trials = search.algorithm === 'grid' ? gridSize(space, estimator) : search.trials;
    const evaluated = contextsOf(plan).reduce((sum, context) => sum + contextSplits(plan, context).length, 0);
    // Each outer fold's own winner is evaluated on it; where the algorithm does not learn, that fold is shared.
    const winners = search.nested && search.algorithm === 'tpe' ? outer : 0;
    return { name, jobs, trials, folds: trials * evaluated + winners };
  });
}

function hoursOf(estimator: Estimator, plan: RunPlan, folds: number, history: History) {
  const past = history.get(estimator.kind);
  if (folds === 0) return { hours: 0, count: past?.folds ?? 0 };
  if (!past) return { hours: null, count: 0 };
  const clips = plan.splits.reduce((sum, { train }) => sum + train.length, 0) / plan.splits.length;
  return { hours: (folds * past.secondsPerUnit * kindOf(estimator).cost(estimator, clips)) / 3600, count: past.folds };
}
