import { mapLimited } from '@cryfold/core';
import { type Estimator, type FoldQueue, kindOf, queueOf } from '@cryfold/estimators';
import { decide, gridSize } from '@cryfold/hyperparameter-search';
import { contextSplits, contextsOf, growPlan, type RunPlan, replay } from '@cryfold/plan';
import type { RunStore } from '@cryfold/store';
import { type History, type HistoryOptions, readHistory, unitOf } from './fold-history.js';

/** What an hour of a worker costs, in any currency. */
export interface HourPrices {
  gpuHourPrice?: number;
  cpuHourPrice?: number;
}

export interface PlannedEstimator {
  estimator: string;
  kind: Estimator['kind'];
  queue: FoldQueue;
  trials: number;
  /** At most: racing, asha and shared keys make them fewer */
  folds: number;
  /** Of those that can be named already */
  inStore: number;
  /** Of the folds that are left, on one worker; null where nothing is known about this kind */
  hours: number | null;
  /** What the hours follow from; null where they are unknown or no fold is left */
  basis: HoursBasis | null;
  /** How many committed folds that follows from */
  history: number;
}

/**
 * Finished folds in the store, of the machine that was asked for or of any (`folds`); a measurement of this machine
 * (`calibration`); finished folds of other machines only; or the typical speed that the kind of estimator states, which is
 * good to a factor of about `TYPICAL_FACTOR`.
 */
export type HoursBasis = 'folds' | 'calibration' | 'other machines' | 'typical';

/** By how much hours of the basis `typical` may be wrong, either way. */
export const TYPICAL_FACTOR = 4;

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

export interface SummaryOptions extends HourPrices, HistoryOptions {
  /**
   * Measures estimators of which no fold was trained on the machine; gets what is known without it, and gives seconds per
   * unit of the kind's cost by name
   */
  calibrate?: ((lacking: readonly PlannedEstimator[]) => Promise<ReadonlyMap<string, number>>) | undefined;
  /** Above so many folds, none is looked up in the store and all count as left; default: all are looked up */
  lookUps?: number | undefined;
}

/**
 * Everything that can be said before a run starts.
 * @param prices of an hour of a worker; a cost is given where the prices of all used hours are
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
      told: { estimator: name, kind: estimator.kind, queue: queueOf(estimator), ...counts, ...hours },
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

/** Replaces hours that follow from no fold of the machine by those of a measurement. */
async function calibrated(
  planned: readonly { units: number; told: PlannedEstimator }[],
  calibrate: SummaryOptions['calibrate'],
): Promise<PlannedEstimator[]> {
  const lacking = planned.filter(({ units, told }) => units > 0 && told.basis !== 'folds');
  const measured = calibrate && lacking.length > 0 ? await calibrate(lacking.map(({ told }) => told)) : undefined;
  return planned.map(({ units, told }) => {
    const secondsPerUnit = lacking.some((one) => one.told === told) ? measured?.get(told.estimator) : undefined;
    return secondsPerUnit === undefined
      ? told
      : { ...told, hours: (units * secondsPerUnit) / 3600, basis: 'calibration', history: 0 };
  });
}

interface Hours extends Pick<PlannedEstimator, 'hours' | 'basis' | 'history'> {
  /** Work that is left, in the kind's unit */
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
