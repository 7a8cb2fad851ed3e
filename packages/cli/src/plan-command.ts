import type { RunStore } from '@cryfold/artifacts';
import { mapLimited, printable } from '@cryfold/core';
import { type Estimator, type FoldQueue, kindOf } from '@cryfold/estimators';
import { contextSplits, contextsOf, growPlan, type RunPlan, replay } from '@cryfold/plan';
import { alignColumns } from '@cryfold/report';
import type { Config } from '@cryfold/runtime';
import { decide, gridSize } from '@cryfold/search';
import { EXIT } from './exit-codes.js';
import { type History, readHistory } from './history.js';
import { openStoreOf } from './open-store.js';
import { applyOverrides, prepareRun, readSpec } from './prepare.js';
import { ProgressDisplay } from './progress.js';
import type { RunOptions } from './run-command.js';
import { storeUrlOf } from './store-url.js';
import { jsonText, say } from './terminal.js';

export interface PlanOptions extends Omit<RunOptions, 'spec' | 'protocol'> {
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

/** `cryfold plan SPEC`: what a run or sweep would be, how much of it is done, and what the rest takes. Starts nothing. */
export async function planCommand(
  spec: string,
  options: PlanOptions & { protocol?: string[] },
  config: Config,
): Promise<number> {
  const display = new ProgressDisplay(process.stderr, options.json);
  const store = openStoreOf(storeUrlOf(options.out, config), config);
  try {
    const { protocol: protocols = [], ...rest } = options;
    const overrides = { ...rest, ...(protocols[0] === undefined ? {} : { protocol: protocols[0] }) };
    const { plan } = await prepareRun({
      ...rest,
      spec: applyOverrides(await readSpec(spec), overrides, (text) => display.say(text)),
      sources: {
        cacheDirectory: config.cacheDir,
        fetchContent: async (key) => (await store.artifacts.open(key))?.stream,
      },
      onProgress: (text) => display.update(text),
    });
    display.update('looking into the store');
    const summary = await summarisePlan(plan, store, options);
    display.clear();
    say(options.json ? `${jsonText(summary)}\n` : `${describe(summary, plan).join('\n')}\n`);
    return EXIT.done;
  } finally {
    await store.close();
  }
}

/** Everything that can be said before a run starts. */
async function summarisePlan(
  plan: RunPlan,
  store: RunStore,
  { gpuHourPrice, cpuHourPrice }: Pick<PlanOptions, 'gpuHourPrice' | 'cpuHourPrice'>,
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
    const space = search?.space[name];
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

const hoursText = (hours: number | null) => (hours === null ? 'unknown' : hours.toFixed(hours < 10 ? 2 : 0));

function describe(summary: PlanSummary, { spec, dataset }: RunPlan): string[] {
  const { estimators, run, trials, folds, inStore, gpuHours, cpuHours, cost } = summary;
  const rows = [['estimator', 'queue', 'trials', 'folds', 'in store', 'hours']];
  for (const one of estimators) {
    rows.push([one.estimator, one.queue, ...[one.trials, one.folds, one.inStore].map(String), hoursText(one.hours)]);
  }
  const most = spec.search && (spec.search.racing || spec.search.algorithm === 'asha') ? 'at most ' : '';
  const unknown = estimators.filter(({ hours }) => hours === null).map(({ estimator }) => estimator);
  return [
    `${printable(dataset.name)}: ${dataset.clips} clips, ${dataset.classes.length} classes · run ${run}`,
    '',
    ...alignColumns(rows),
    '',
    `${trials} ${trials === 1 ? 'trial' : 'trials'}, ${most}${folds} folds, ${inStore} of them in the store already`,
    `GPU hours ${hoursText(gpuHours)}, CPU hours ${hoursText(cpuHours)}${cost === null ? '' : `, cost ${cost.toFixed(2)}`}`,
    unknown.length > 0
      ? `unknown: the store holds no finished fold of ${unknown.join(', ')} to judge by`
      : 'hours of one worker, by the median of finished folds in this store; nothing was started',
  ];
}
