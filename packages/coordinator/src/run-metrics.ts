import { isUnreadable, mapLimited } from '@cryfold/core';
import { type FoldJob, type FoldResult, isInnerFold, type RunPlan, searchedBase } from '@cryfold/plan';
import type { GaugeName, LabelsOf, Metrics } from '@cryfold/runtime';
import type { RunStore } from '@cryfold/store';
import type { RunFolds } from './run-folds.js';
import type { SearchDriver } from './search-driver.js';

/** Milliseconds for which the series of a run are kept after its end. */
const STAY_MS = 15 * 60_000;
/**
 * Maximum number of folds, over all runs, that have time series of their own. Since each fold has three series, a
 * scrape of 100 runs stays below 1 MB.
 */
const FOLDS = 1500;
/** Maximum number of results to read per run and refresh. */
const READS = 400;

const FOLD_PHASES = { waiting: 0, active: 1, done: 2, failed: 3 } as const;

const GAUGES = [
  'cryfold_run_info',
  'cryfold_run_started_timestamp_seconds',
  'cryfold_run_fraction_done_ratio',
  'cryfold_run_eta_seconds',
  'cryfold_run_silent_seconds',
  'cryfold_run_folds',
  'cryfold_run_give_backs',
  'cryfold_run_accuracy_ratio',
  'cryfold_run_fold_state',
  'cryfold_run_fold_accuracy_ratio',
  'cryfold_run_fold_duration_seconds',
  'cryfold_run_epoch_loss',
  'cryfold_run_epoch_accuracy_ratio',
  'cryfold_sweep_trials',
  'cryfold_sweep_best_score',
  'cryfold_sweep_folds',
] as const satisfies readonly GaugeName[];
type RunGauge = (typeof GAUGES)[number];

type Series = { [N in RunGauge]: { labels: LabelsOf<N>; value: number }[] };
const noSeries = (): Series => Object.fromEntries(GAUGES.map((name) => [name, []])) as unknown as Series;

/** The parts of a sweep that are exported as metrics. */
export type Sweep = Pick<SearchDriver, 'folds' | 'progress' | 'metric'>;

/** How a run ended. */
type EndState = 'finished' | 'cancelled' | 'failed';

interface Tracked {
  /** Undefined once the run has ended */
  folds: RunFolds | undefined;
  sweep: Sweep | undefined;
  /** Exported figures of each fold */
  results: Map<string, { accuracy: number | undefined; seconds: number | undefined }>;
  /** By estimator */
  accuracies: Means;
  /** By estimator, epoch, part and quantity */
  curves: Means;
  started: number;
  ended: number;
  last: Series;
}

/**
 * Exports metrics of the runs that a coordinator is executing, and of runs that ended recently. Does nothing if metrics
 * are disabled.
 */
export class RunMetrics {
  readonly #metrics: Metrics;
  readonly #store: RunStore;
  /** Newest last */
  readonly #runs = new Map<string, Tracked>();
  #scrape: { at: number; series: Series } | undefined;

  constructor(metrics: Metrics, store: RunStore) {
    this.#metrics = metrics;
    this.#store = store;
    for (const name of GAUGES) metrics.series(name, () => this.#series()[name] as Iterable<never>);
    metrics.series('cryfold_runs_driven', () => [
      { labels: {}, value: [...this.#runs.values()].filter(({ folds }) => folds).length },
    ]);
  }

  /**
   * @param started when the run was submitted, Unix milliseconds
   * @param sweep present if the run is a sweep, whose trials are grouped by estimator
   */
  begin(folds: RunFolds, started: number, sweep?: Sweep): void {
    if (!this.#metrics.on) return;
    const { run } = folds.plan;
    this.#runs.delete(run);
    const sums = { accuracies: new Means(), curves: new Means() };
    this.#runs.set(run, { folds, sweep, results: new Map(), ...sums, started, ended: 0, last: noSeries() });
  }

  /** Keeps a run's final figures, including the aggregator's, and releases everything else. */
  async end(run: string, endState: EndState): Promise<void> {
    const tracked = this.#runs.get(run);
    if (!tracked?.folds) return;
    await this.#read(tracked, Number.POSITIVE_INFINITY).catch(() => {});
    const { plan } = tracked.folds;
    const series = seriesOf(tracked, FOLDS, endState);
    const ended = endState === 'finished' ? await this.#store.runs.results(run).catch(() => undefined) : undefined;
    if (ended) {
      series.cryfold_run_accuracy_ratio = ended.models.flatMap(({ name, accuracy }) =>
        accuracy === null || searchedBase(plan, name) ? [] : [{ labels: { run, model: name }, value: accuracy.mean }],
      );
    }
    this.#runs.set(run, {
      ...tracked,
      folds: undefined,
      sweep: undefined,
      results: new Map(),
      ended: Date.now(),
      last: series,
    });
  }

  /** Reads new results, and drops runs that ended long ago. */
  async refresh(): Promise<void> {
    for (const [run, tracked] of this.#runs) {
      if (tracked.folds) await this.#read(tracked, READS);
      else if (Date.now() - tracked.ended > STAY_MS) this.#runs.delete(run);
    }
  }

  async #read(tracked: Tracked, most: number): Promise<void> {
    const { folds, results } = tracked;
    if (!folds) return;
    // Trials with equal parameters share a key.
    const jobs = new Map<string, FoldJob[]>();
    for (const job of folds.plan.jobs) {
      if (results.has(job.key) || folds.phaseOf(job.key) !== 'done') continue;
      jobs.set(job.key, [...(jobs.get(job.key) ?? []), job]);
    }
    await mapLimited([...jobs.keys()].slice(0, most), async (fold) => {
      const result = await this.#result(fold);
      if (!result) return;
      const { seconds, accuracy } = result;
      results.set(fold, { seconds, accuracy });
      if (!('curve' in result)) return;
      for (const job of jobs.get(fold) ?? []) if (isExported(folds.plan, job)) note(tracked, job, result);
    });
  }

  /** Reads the exported figures of a committed fold; empty if the record is unreadable. */
  async #result(fold: string): Promise<FoldResult | { seconds: undefined; accuracy: undefined } | undefined> {
    try {
      return await this.#store.folds.result(fold);
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      return { seconds: undefined, accuracy: undefined };
    }
  }

  /** Uses the same snapshot for all gauges of a scrape. */
  #series(): Series {
    if (this.#scrape && Date.now() - this.#scrape.at < 200) return this.#scrape.series;
    const all = noSeries();
    let room = FOLDS;
    for (const tracked of [...this.#runs.values()].reverse()) {
      const own = tracked.folds ? seriesOf(tracked, room) : tracked.last;
      const detailed = own.cryfold_run_fold_state.length <= room;
      if (detailed) room -= own.cryfold_run_fold_state.length;
      for (const name of GAUGES) {
        if (!detailed && /_run_(fold|epoch)_/.test(name)) continue;
        for (const sample of own[name]) (all[name] as (typeof sample)[]).push(sample);
      }
    }
    this.#scrape = { at: Date.now(), series: all };
    return all;
  }
}

/**
 * @param room maximum number of folds that may have time series of their own; if the run has more folds, no time series
 * are exported for its folds
 * @param endState value of the `phase` label of a run that has just ended
 */
function seriesOf(tracked: Tracked, room: number, endState?: EndState): Series {
  const { folds, sweep, results, accuracies, curves, started } = tracked;
  const series = noSeries();
  if (!folds) return series;
  const { plan } = folds;
  const { run, spec } = plan;
  const progress = folds.progress();
  const add = <N extends RunGauge>(name: N, labels: LabelsOf<N>, value: number | null | undefined) => {
    if (typeof value === 'number') (series[name] as { labels: LabelsOf<N>; value: number }[]).push({ labels, value });
  };
  add('cryfold_run_info', { run, name: spec.name, dataset: plan.dataset.name, phase: endState ?? folds.phase }, 1);
  add('cryfold_run_started_timestamp_seconds', { run }, started / 1000);
  const partly = progress.active.reduce((sum, { fraction }) => sum + fraction, 0);
  const behind = progress.done + progress.failed + partly;
  add('cryfold_run_fraction_done_ratio', { run }, progress.total === 0 ? 1 : Math.min(1, behind / progress.total));
  add('cryfold_run_eta_seconds', { run }, progress.etaSeconds);
  add('cryfold_run_silent_seconds', { run }, folds.silentSeconds());

  add('cryfold_run_give_backs', { run }, Math.max(0, ...progress.givenBack.map(({ times }) => times)));
  const counts = new Map<string, { estimator: string; queue: string; by: Record<string, number> }>();
  for (const job of plan.jobs) {
    // Trials of a sweep are aggregated, since there are many of them and they are temporary.
    const estimator = searchedBase(plan, job.trial) ?? job.trial;
    const of = `${estimator} ${job.queue}`;
    let count = counts.get(of);
    if (!count) {
      count = { estimator, queue: job.queue, by: { waiting: 0, active: 0, done: 0, failed: 0 } };
      counts.set(of, count);
    }
    count.by[folds.phaseOf(job.key)]++;
  }
  for (const { estimator, queue, by } of counts.values()) {
    for (const [name, value] of Object.entries(by))
      add('cryfold_run_folds', { run, estimator, queue, state: name }, value);
  }
  if (sweep) {
    const { states, best } = sweep.progress();
    for (const [name, count] of Object.entries(states))
      add('cryfold_sweep_trials', { run, state: name.toLowerCase() }, count);
    add('cryfold_sweep_best_score', { run, metric: sweep.metric }, best?.mean);
    for (const [kind, count] of Object.entries(sweep.folds())) add('cryfold_sweep_folds', { run, kind }, count);
  }
  for (const [model, mean] of accuracies) add('cryfold_run_accuracy_ratio', { run, model }, mean);
  const jobs = plan.jobs.filter((job) => job.shuffle === undefined && isExported(plan, job));
  if (jobs.length > room) return series;
  for (const [name, mean] of curves) {
    const [estimator, epoch, part, what] = name.split(' ');
    const labels = { run, estimator, epoch, part };
    if (what === 'loss') add('cryfold_run_epoch_loss', labels, mean);
    else add('cryfold_run_epoch_accuracy_ratio', labels, mean);
  }
  for (const job of jobs) {
    const labels = { run, estimator: job.trial, ...where(folds, job) };
    add('cryfold_run_fold_state', labels, FOLD_PHASES[folds.phaseOf(job.key)]);
    const result = results.get(job.key);
    add('cryfold_run_fold_accuracy_ratio', labels, result?.accuracy);
    add('cryfold_run_fold_duration_seconds', labels, result?.seconds);
  }
  return series;
}

/** Whether a job is a fold of an estimator in the spec, rather than of a trial of a sweep or an inner fold. */
function isExported(plan: RunPlan, job: FoldJob): boolean {
  return searchedBase(plan, job.trial) === undefined && !isInnerFold(plan, job);
}

/** Folds on shuffled labels count as jobs, but not as results of the model. */
function note({ accuracies, curves }: Tracked, { trial, shuffle }: FoldJob, { accuracy, curve }: FoldResult): void {
  if (shuffle !== undefined) return;
  if (accuracy !== undefined) accuracies.add(trial, accuracy);
  for (const point of curve) {
    curves.add(`${trial} ${point.epoch} train loss`, point.loss);
    if (point.testLoss !== undefined) curves.add(`${trial} ${point.epoch} test loss`, point.testLoss);
    curves.add(`${trial} ${point.epoch} train accuracy`, point.accuracy);
    if (point.testAccuracy !== undefined) curves.add(`${trial} ${point.epoch} test accuracy`, point.testAccuracy);
  }
}

function where({ plan }: RunFolds, job: FoldJob): { repeat: number; fold: number } {
  const { repeat, fold } = plan.splits[job.split];
  return { repeat, fold };
}

class Means {
  readonly #sums = new Map<string, { sum: number; count: number }>();

  add(name: string, value: number): void {
    const entry = this.#sums.get(name) ?? { sum: 0, count: 0 };
    entry.sum += value;
    entry.count++;
    this.#sums.set(name, entry);
  }

  *[Symbol.iterator](): Iterable<[string, number]> & Iterator<[string, number]> {
    for (const [name, { sum, count }] of this.#sums) yield [name, sum / count];
  }
}
