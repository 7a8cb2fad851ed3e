import { mapLimited } from '@cryfold/core';
import type { FoldJob } from '@cryfold/plan';
import type { Grid, GridChange, GridOutcome, GridSearch, GridStatus, RunStatus } from '@cryfold/run-control';
import type { StoredPlan } from '@cryfold/store';
import { Feed } from './feed.js';
import { CELL, figureOf, GridModel } from './grid-model.js';
import { fusionsOf, outcomeOf } from './grid-outcome.js';
import { GridReader } from './grid-reader.js';
import type { RunList } from './run-list.js';
import { SweepTrials, type TrialsView } from './sweep-trials.js';
import type { Watched } from './watched.js';

/** Milliseconds between checks of all unfinished folds. The checks find changes that progress events did not report. */
const SWEEP_MS = 4000;
/** Checks of all folds may take at most 1/SHARE of the time. */
const SHARE = 20;
/**
 * Maximum number of results to read per second. If folds finish faster than this, their states are shown immediately,
 * but their figures only later.
 */
const READS = 20;
/** Maximum number of results to read per second once the run has ended. */
const READS_AFTER = 200;

/**
 * Publishes the grid of a run's folds. Polls the run's job in Redis every second, and reads the result of each fold
 * only once.
 */
export class RunGrid implements Watched {
  readonly feed: Feed;
  readonly #list: RunList;
  readonly #reader: GridReader;
  readonly #model: GridModel;
  readonly #trials: SweepTrials;
  #stored: StoredPlan;
  #status: RunStatus;
  #warning: string | null = null;
  #outcome: GridOutcome | null = null;
  /** Finished folds whose results have not been read yet */
  #unread: FoldJob[] = [];
  #swept = 0;
  #pauseMs = 0;
  #ended = false;
  /** Whether the folds of the plan have changed since the last publication */
  #grown = false;
  /** Whether the plan has changed or results were read since the last publication, so that trials may have changed */
  #moved = true;
  /** The status, failures and outcome that were last published, as JSON */
  #publishedStatus = '';
  #publishedFailures = '[]';
  #publishedOutcome = 'null';

  private constructor(list: RunList, reader: GridReader, stored: StoredPlan, status: RunStatus) {
    this.#list = list;
    this.#reader = reader;
    this.#stored = stored;
    this.#model = new GridModel(stored.plan);
    this.#trials = new SweepTrials(stored.base.spec);
    this.#status = status;
    this.feed = new Feed(() => this.#snapshot());
  }

  /** @throws CryfoldError RUN_NOT_FOUND */
  static async open(list: RunList, run: string): Promise<RunGrid> {
    const reader = new GridReader(list.store, list.decoded);
    const stored = await reader.plan(run);
    const grid = new RunGrid(list, reader, stored, await list.briefOf(run));
    grid.#warning = await reader.warning(stored.base);
    await grid.refresh();
    return grid;
  }

  refresh = async (): Promise<void> => {
    const { run } = this.#model.plan;
    this.#status = await this.#list.briefOf(run);
    const { state } = this.#status;
    if (this.#stored.search) await this.#readPlan();
    const over = state === 'complete' || state === 'incomplete';
    // If a refresh fails, the next one publishes the changes.
    if (over && !this.#ended) await this.#readEnd();
    if (!over) {
      this.#outcome = null;
      await this.#readProgress();
    }
    await this.#readSome(over ? READS_AFTER : READS);
    this.#ended = over;
    this.#publish();
  };

  /**
   * Reads the plan again, because a sweep's decisions add folds to its plan and remove the waiting folds of pruned
   * trials.
   */
  async #readPlan(): Promise<void> {
    const stored = await this.#reader.plan(this.#model.plan.run);
    if (stored === this.#stored) return;
    this.#stored = stored;
    this.#moved = true;
    if (this.#model.replan(stored.plan)) this.#grown = true;
  }

  async #readProgress(): Promise<void> {
    const { active, done, failed } = this.#status;
    await this.#findDone(this.#model.setActive(active));
    const known = this.#model.count(CELL.done) === done && this.#model.count(CELL.failed) === failed;
    if (!known && Date.now() - this.#swept >= this.#pauseMs) await this.#sweep();
  }

  /** Marks folds that have a result. The results are read later, a few at a time. */
  async #findDone(jobs: readonly FoldJob[]): Promise<void> {
    const done = await this.#reader.done(jobs);
    for (const { key } of done) this.#model.setDone(key);
    this.#unread.push(...done);
  }

  async #sweep(): Promise<void> {
    const began = Date.now();
    await this.#findDone(this.#model.missing());
    this.#model.explain(await this.#reader.reasons(this.#model.plan.run));
    this.#model.markFailed();
    this.#swept = Date.now();
    this.#pauseMs = Math.max(SWEEP_MS, SHARE * (this.#swept - began));
  }

  async #readSome(most: number): Promise<void> {
    const batch = this.#unread.slice(0, most);
    if (batch.length > 0) this.#moved = true;
    await mapLimited(batch, async (job) => {
      const result = await this.#reader.result(this.#stored, job, this.#model.valueOf(job.key));
      if (result) this.#model.setResult(job.key, result.value, result.seconds);
    });
    // Folds leave the list only after their results were read, so that the next refresh tries again if the store fails.
    this.#unread = this.#unread.slice(batch.length);
  }

  /**
   * Reads the results of a run that has ended: one record contains everything except durations, which are read a few at
   * a time.
   */
  async #readEnd(): Promise<void> {
    const { run } = this.#model.plan;
    const results = await this.#reader.results(run);
    if (!results) return;
    this.#outcome = outcomeOf(results);
    const tried = ({ trial }: FoldJob) => this.#stored.search?.trials.has(trial) === true;
    await this.#findDone(this.#model.missing(tried));
    this.#model.explain(results.status === 'complete' ? new Map() : await this.#reader.reasons(run));
    const unread = new Set(this.#unread.map(({ key }) => key));
    this.#unread.push(...this.#model.end(results, tried).filter(({ key }) => !unread.has(key)));
  }

  #publish(): void {
    const { trials, pictures } = this.#newTrials();
    const status = JSON.stringify(this.#header());
    const failures = this.#model.failures();
    const reasons = JSON.stringify(failures);
    const explained = reasons !== this.#publishedFailures;
    const changed = status !== this.#publishedStatus;
    this.#publishedStatus = status;
    this.#publishedFailures = reasons;
    const outcome = JSON.stringify(this.#outcome);
    const decided = outcome !== this.#publishedOutcome;
    this.#publishedOutcome = outcome;
    const cells = this.#model.takeChanges();
    if (this.#grown) {
      this.#grown = false;
      this.feed.publish(this.#snapshot(), 'snapshot');
      return;
    }
    if (cells.length === 0 && trials.length === 0 && !explained && !changed && !decided) return;
    const change: GridChange = {
      status: this.#header(),
      cells,
      ...(trials.length > 0 ? { search: trials, pictures } : {}),
      ...(decided ? { outcome: this.#outcome } : {}),
      ...(explained ? { failures } : {}),
    };
    this.feed.publish(change);
  }

  /** Trials of a sweep that changed since the last publication, and the charts of their estimators. */
  #newTrials(): TrialsView {
    if (!this.#stored.search || !this.#moved) return { trials: [], pictures: [] };
    const changed = this.#trials.update(this.#reader.trials(this.#stored));
    this.#moved = false;
    return changed;
  }

  #header(): GridStatus {
    const { run, name, state, total, done, failed, etaSeconds, scheduling, givenBack } = this.#status;
    return {
      ...{ run, name, state, total, done, failed, etaSeconds },
      ...(scheduling && { scheduling }),
      ...(givenBack && givenBack.length > 0 && { givenBack }),
    };
  }

  /** The trials of a sweep, with the names of the searched and the fixed estimators. */
  #search(): GridSearch | null {
    const { base } = this.#stored;
    if (!base.spec.search) return null;
    const bases = Object.keys(base.spec.search.space);
    const fixed = Object.keys(base.spec.estimators).filter((name) => !bases.includes(name));
    const { metric, algorithm, asha } = base.spec.search;
    const byEpochs = algorithm === 'asha' && asha?.resource === 'epochs';
    return {
      metric,
      figure: figureOf(metric),
      byEpochs,
      bases,
      fixed,
      ...this.#trials.all,
    };
  }

  #snapshot(): Grid {
    return {
      ...{ status: this.#header(), warning: this.#warning, search: this.#search() },
      ...{ fusions: fusionsOf(this.#stored.base), outcome: this.#outcome },
      ...this.#model.snapshot(),
    };
  }
}
