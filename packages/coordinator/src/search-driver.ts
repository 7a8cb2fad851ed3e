import { CryfoldError, DAMAGE_CODES, mapLimited } from '@cryfold/core';
import { type MetricName, scoreOf } from '@cryfold/evaluation';
import { decide, meanScore, openContests, trialEpochs } from '@cryfold/hyperparameter-search';
import { contextSplits, type FoldJob, type RunPlan, type SearchRecord } from '@cryfold/plan';
import { FoldScores, type RunStore, type StoredPlan } from '@cryfold/store';
import type { RunFolds } from './run-folds.js';
import type { RunProgress, SearchProgress, TrialProgress } from './run-progress.js';

/**
 * Decides what a sweep evaluates next. Each decision is a record in the store that is committed by a conditional put,
 * so that an interrupted sweep continues with the same decisions.
 */
export class SearchDriver {
  readonly #store: RunStore;
  readonly #run: string;
  readonly #scores: FoldScores;
  #stored: StoredPlan;
  /** Number of finished folds and of decision records at the last step */
  #seen = '';

  private constructor(store: RunStore, stored: StoredPlan) {
    this.#store = store;
    this.#run = stored.base.run;
    this.#stored = stored;
    this.#scores = new FoldScores(store);
  }

  /** Undefined for a run that is not a sweep. */
  static of(store: RunStore, stored: StoredPlan): SearchDriver | undefined {
    return stored.search && new SearchDriver(store, stored);
  }

  get plan(): RunPlan {
    return this.#stored.plan;
  }

  /**
   * Returns the number of folds on which the trials that have ended were judged, and the number of folds that these
   * trials did not need.
   */
  folds(): { judged: number; saved: number } {
    const folds = { judged: 0, saved: 0 };
    for (const { state, statistics, context } of this.#stored.search?.trials.values() ?? []) {
      if (state === 'RUNNING' || !statistics) continue;
      folds.judged += statistics.folds;
      folds.saved += Math.max(0, contextSplits(this.#stored.base, context).length - statistics.folds);
    }
    return folds;
  }

  get metric(): MetricName {
    return this.#stored.base.spec.search?.metric ?? 'accuracy';
  }

  /** Whether every search has a winner. Folds may still be missing. */
  get finished(): boolean {
    const { base, search } = this.#stored;
    return search !== undefined && openContests({ plan: base, log: search, outcome: () => undefined }).length === 0;
  }

  /** Makes decisions based on finished folds. Returns whether the plan has changed. */
  async step(folds: RunFolds): Promise<boolean> {
    const { base, plan, search, next } = this.#stored;
    const seen = `${folds.ended} ${next}`;
    if (!search || seen === this.#seen) return false;
    const jobs = new Map<string, FoldJob>();
    for (const job of plan.jobs) if (job.shuffle === undefined) jobs.set(`${job.trial} ${job.split}`, job);
    const judged = [...jobs.values()].filter(({ key, trial }) => folds.isDone(key) && search.trials.has(trial));
    await mapLimited(judged, (job) => this.#read(job));
    const decisions = decide({
      plan: base,
      log: search,
      outcome: (trial, split) => {
        const job = jobs.get(`${trial} ${split}`);
        const score = job && this.#scores.get(job.key);
        if (score !== undefined) return { score };
        const error = job && folds.failure(job.key);
        return error && { error: `${error.code}: ${error.message}` };
      },
    });
    this.#seen = seen;
    if (decisions.length === 0) return false;
    const record: SearchRecord = { format: 1, at: new Date().toISOString(), decisions };
    // If another coordinator was first, its decision counts.
    await this.#store.runs.addDecisions(this.#run, next, record);
    this.#stored = await this.#store.runs.plan(this.#run);
    return true;
  }

  /**
   * Reads a fold's score. If the fold's data is missing or damaged, removes its record and throws an error that
   * restarts the run, so that the fold is trained again.
   */
  async #read(job: FoldJob): Promise<void> {
    try {
      await this.#scores.read(this.#stored.plan, job);
    } catch (error) {
      if (!(error instanceof CryfoldError) || !DAMAGE_CODES.has(error.code)) throw error;
      await this.#store.folds.drop(job.key);
      const { code, message, context } = error;
      throw new CryfoldError(code, message, { cause: error, context: { ...context, repaired: true } });
    }
  }

  /** Groups the progress of a run by estimator, since there are many trials. */
  describe(progress: RunProgress): RunProgress {
    const { search } = this.#stored;
    const trials = new Map<string, TrialProgress>();
    for (const [name, { total, done, failed }] of Object.entries(progress.trials)) {
      const base = search?.trials.get(name)?.base ?? name;
      const own = trials.get(base) ?? { total: 0, done: 0, failed: 0 };
      trials.set(base, own);
      own.total += total;
      own.done += done;
      own.failed += failed;
    }
    return { ...progress, trials: Object.fromEntries(trials), search: this.progress() };
  }

  progress(): SearchProgress {
    const states: SearchProgress['states'] = { RUNNING: 0, COMPLETE: 0, PRUNED: 0, FAILED: 0 };
    let best: SearchProgress['best'] = null;
    const { base, plan, search } = this.#stored;
    const scores = new Map<string, number[]>();
    for (const job of plan.jobs) {
      const score = this.#scores.get(job.key);
      if (score !== undefined) scores.set(job.trial, [...(scores.get(job.trial) ?? []), score]);
    }
    // A good result on the first fold may be luck, so a trial never ranks above trials with more epochs or folds.
    let most = [Number.NEGATIVE_INFINITY, 0, 0];
    for (const one of search?.trials.values() ?? []) {
      const { trial, state, context, rung = 0 } = one;
      states[state]++;
      const own = scores.get(trial);
      if (context !== 0 || !own || state === 'PRUNED' || state === 'FAILED') continue;
      const standing = [rung, own.length, meanScore(own)];
      const at = standing.findIndex((value, i) => value !== most[i]);
      if (at < 0 || standing[at] < most[at]) continue;
      most = standing;
      const mean = scoreOf(this.metric, standing[2]);
      best = { trial, mean, folds: own.length, ...trialEpochs(base.spec, one) };
    }
    return { states, metric: this.metric, best };
  }
}
