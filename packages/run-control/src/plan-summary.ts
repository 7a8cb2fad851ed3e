import { mapLimited } from '@cryfold/core';
import { type Estimator, type FoldQueue, kindOf, queueOf } from '@cryfold/estimators';
import { decide, gridSize } from '@cryfold/hyperparameter-search';
import { contextSplits, contextsOf, growPlan, type RunPlan, replay } from '@cryfold/plan';
import type { RunStore } from '@cryfold/store';
import { type History, type HistoryOptions, readHistory, unitOf } from './fold-history.js';

/** Price of one worker per hour, in a currency of the user's choice. */
export interface HourPrices {
  gpuHourPrice?: number;
  cpuHourPrice?: number;
}

export interface PlannedEstimator {
  estimator: string;
  kind: Estimator['kind'];
  queue: FoldQueue;
  trials: number;
  /** Maximum number of folds; racing, ASHA and shared keys can reduce the actual number */
  folds: number;
  /** Number of known folds that are already in the store */
  inStore: number;
  /** Hours that one worker needs for the remaining folds; null if the speed of this kind of estimator is unknown */
  hours: number | null;
  /** What the estimate is based on; null if there is no estimate or no fold is left */
  basis: HoursBasis | null;
  /** Number of committed folds on which the estimate is based */
  history: number;
}

/**
 * Basis of an estimate: finished folds in the store, from the requested machine or, if none is requested, from any
 * machine (`folds`); a measurement of this machine (`calibration`); finished folds of other machines only; or the
 * typical speed of the kind of estimator, which is accurate to a factor of about `TYPICAL_FACTOR`.
 */
export type HoursBasis = 'folds' | 'calibration' | 'other machines' | 'typical';

/** Factor by which estimates from typical speeds may be too high or too low. */
export const TYPICAL_FACTOR = 4;

export interface PlanSummary {
  run: string;
  clips: number;
  estimators: PlannedEstimator[];
  trials: number;
  folds: number;
  inStore: number;
  /** Null if unknown */
  gpuHours: number | null;
  cpuHours: number | null;
  cost: number | null;
}

export interface SummaryOptions extends HourPrices, HistoryOptions {
  /**
   * Measures the speed of estimators for which the store has no folds from this machine. Receives the estimates so far,
   * and returns the seconds per cost unit for each estimator
   */
  calibrate?: ((uncertain: readonly PlannedEstimator[]) => Promise<ReadonlyMap<string, number>>) | undefined;
  /**
   * If a plan has more folds than this, they are not looked up in the store and all count as remaining; default: no
   * limit
   */
  lookUps?: number | undefined;
}

/**
 * Summarises a plan before it runs.
 * @param prices prices of a worker per hour; the summary contains a cost if all prices that it needs are known
 */
export async function summarisePlan(
  plan: RunPlan,
  store: RunStore,
  { gpuHourPrice, cpuHourPrice, lookUps = Number.POSITIVE_INFINITY, calibrate, ...history }: SummaryOptions,
): Promise<PlanSummary> {
  const known = await knownJobs(plan, store);
  const past = await readHistory(store, history);
  const done = new Map<string, boolean>();
  const keys = [...new Set(known.flatMap(({ jobs }) => jobs.map(({ key }) => key)))];
  if (keys.length <= lookUps) await mapLimited(keys, async (key) => done.set(key, await store.folds.has(key)));
  const planned = known.map(({ name, jobs, trials, folds }) => {
    const estimator = plan.spec.estimators[name];
    const unique = [...new Map(jobs.map((job) => [job.key, job])).values()];
    const inStore = unique.filter(({ key }) => done.get(key)).length;
    const left = Math.max(0, folds - (jobs.length - unique.length) - inStore);
    const { units, ...hours } = hoursOf(plan, name, left, past);
    const counts = { trials, folds: folds - (jobs.length - unique.length), inStore };
    return {
      units,
      estimate: { estimator: name, kind: estimator.kind, queue: queueOf(estimator), ...counts, ...hours },
    };
  });
  const estimators = await calibrated(planned, calibrate);
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

/** Lists, for each estimator, the fold jobs that are known before training, and the total number of jobs. */
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
    // The winner of each inner search is evaluated on the outer fold. If the algorithm does not learn from results, the
    // search over all data evaluates the same outer fold anyway.
    const winners = search.nested && search.algorithm === 'tpe' ? outer : 0;
    return { name, jobs, trials, folds: trials * evaluated + winners };
  });
}

/** Replaces estimates that are not based on folds from this machine with measurements. */
async function calibrated(
  planned: readonly { units: number; estimate: PlannedEstimator }[],
  calibrate: SummaryOptions['calibrate'],
): Promise<PlannedEstimator[]> {
  const uncertain = planned.filter(({ units, estimate }) => units > 0 && estimate.basis !== 'folds');
  const measured =
    calibrate && uncertain.length > 0 ? await calibrate(uncertain.map(({ estimate }) => estimate)) : undefined;
  return planned.map(({ units, estimate }) => {
    const secondsPerUnit = uncertain.some((one) => one.estimate === estimate)
      ? measured?.get(estimate.estimator)
      : undefined;
    return secondsPerUnit === undefined
      ? estimate
      : { ...estimate, hours: (units * secondsPerUnit) / 3600, basis: 'calibration', history: 0 };
  });
}

interface Hours extends Pick<PlannedEstimator, 'hours' | 'basis' | 'history'> {
  /** Remaining work in cost units of the kind of estimator */
  units: number;
}

function hoursOf(plan: RunPlan, trial: string, folds: number, history: History): Hours {
  const estimator = plan.spec.estimators[trial];
  const past = history.get(unitOf(plan, trial));
  const { folds: count = 0 } = past ?? {};
  if (folds === 0) return { hours: 0, basis: null, history: count, units: 0 };
  const { cost, typicalSeconds } = kindOf(estimator);
  const clips = plan.splits.reduce((sum, { train }) => sum + train.length, 0) / plan.splits.length;
  const units = folds * cost(estimator, clips);
  const secondsPerUnit = past?.secondsPerUnit ?? typicalSeconds;
  if (secondsPerUnit === undefined) return { hours: null, basis: null, history: count, units };
  const basis = past === undefined ? 'typical' : past.here ? 'folds' : 'other machines';
  return { hours: (units * secondsPerUnit) / 3600, basis, history: count, units };
}
