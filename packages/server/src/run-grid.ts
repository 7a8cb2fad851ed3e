import type { StoredPlan } from '@cryfold/artifacts';
import { storeKeys } from '@cryfold/artifacts';
import {
  confusionOf,
  mapLimited,
  type RunStatus,
  readResult,
  readResults,
  readScores,
  TrialTable,
} from '@cryfold/control';
import { decodeRecord, unlessUnreadable } from '@cryfold/core';
import { accuracy, type RunResults, type TrialRow } from '@cryfold/evaluation';
import { type FoldFailure, type FoldJob, foldFailureSchema, type RunPlan } from '@cryfold/plan';
import { Feed } from './feed.js';
import type { RunList } from './run-list.js';
import type { Watched } from './watched.js';

/** What a cell of the grid shows; numbers, since there may be ten thousand. */
export const CELL = { waiting: 0, active: 1, done: 2, failed: 3 } as const;

/** Milliseconds between looks at every fold that is not done, for those that events or progress did not name. */
const SWEEP = 4000;

/** A look at every fold may take one part in so many of the time. */
const SHARE = 20;
/** Results read a second: of quicker folds the state is shown at once, and the accuracy when there is time. */
const READS = 20;
/** As many once nothing trains any more. */
const READS_AFTER = 200;

/** State, share of the fold that is behind it, accuracy on its test clips, seconds. */
type Cell = [state: number, fraction: number, accuracy: number | null, seconds: number | null];

type Reason = Pick<FoldFailure['error'], 'code' | 'message' | 'hint'>;

/**
 * The folds of a run as cells, in the order of the plan's jobs. What is looked up a second is the run's job in Redis; a
 * fold's result is read once.
 */
export class RunGrid implements Watched {
  readonly feed: Feed;
  readonly #list: RunList;
  #stored: StoredPlan;
  #plan: RunPlan;
  /** Of a sweep: each trial's row as it was told last, as JSON */
  #trials = new Map<string, string>();
  readonly #table: TrialTable;
  #cells: Cell[] = [];
  readonly #byKey = new Map<string, number[]>();
  readonly #byName = new Map<string, number>();
  #status: RunStatus;
  #told = '';
  /** Why folds failed, by key of the fold */
  #reasons = new Map<string, Reason>();
  #toldReasons = '[]';
  #swept = 0;
  #pause = 0;
  /** Folds that are done, whose results were not read yet */
  readonly #unread: FoldJob[] = [];
  #ended = false;
  #grown = false;
  readonly #changed = new Set<number>();

  private constructor(list: RunList, stored: StoredPlan, status: RunStatus) {
    this.#list = list;
    this.#stored = stored;
    this.#plan = stored.plan;
    this.#table = new TrialTable(list.store);
    this.#status = status;
    this.#lay(stored.plan);
    this.feed = new Feed(() => this.#snapshot());
  }

  static async open(list: RunList, run: string): Promise<RunGrid> {
    const stored = await list.decoded.storedPlan(run);
    const grid = new RunGrid(list, stored, await list.briefOf(run));
    await grid.look();
    return grid;
  }

  /** Lays out a plan's folds; those that the one before had keep what is known of them. */
  #lay(plan: RunPlan): void {
    const known = new Map(this.#plan.jobs.map(({ trial, key }, i) => [`${trial} ${key}`, this.#cells[i]]));
    this.#plan = plan;
    this.#cells = plan.jobs.map(({ trial, key }) => known.get(`${trial} ${key}`) ?? [CELL.waiting, 0, null, null]);
    this.#byKey.clear();
    this.#byName.clear();
    for (const [i, job] of plan.jobs.entries()) {
      // Equal folds of several trials are one job.
      this.#byKey.set(job.key, [...(this.#byKey.get(job.key) ?? []), i]);
      const own = job.shuffle === undefined && plan.splits[job.split].inner === undefined;
      if (own) this.#byName.set(this.#nameOf(job), i);
    }
  }

  look = async (): Promise<void> => {
    this.#status = await this.#list.briefOf(this.#plan.run);
    const { state, active, done, failed } = this.#status;
    if (this.#stored.search) await this.#readPlan();
    const over = state === 'complete' || state === 'incomplete';
    // What was seen before a look failed is told by the next one.
    const changed = this.#changed;
    if (over && !this.#ended) await this.#readEnd(changed);
    if (!over) {
      const left = this.#setActive(active, changed);
      await this.#findDone(left, changed);
      const [seen, lost] = [CELL.done, CELL.failed].map((code) => this.#cells.filter(([is]) => is === code).length);
      if ((seen !== done || lost !== failed) && Date.now() - this.#swept >= this.#pause) await this.#sweep(changed);
    }
    await this.#readSome(changed, over ? READS_AFTER : READS);
    const trials = this.#newRows();
    this.#ended = over;
    const told = JSON.stringify(this.#header());
    const failures = this.#failures();
    const reasons = JSON.stringify(failures);
    const explained = reasons !== this.#toldReasons;
    this.#toldReasons = reasons;
    if (this.#grown) {
      this.#told = told;
      this.#grown = false;
      changed.clear();
      this.feed.publish(this.#snapshot(), 'snapshot');
      return;
    }
    if (changed.size === 0 && trials.length === 0 && !explained && told === this.#told) return;
    this.#told = told;
    const cells = [...changed].map((i) => [i, ...this.#cells[i]]);
    changed.clear();
    this.feed.publish({
      status: this.#header(),
      cells,
      ...(trials.length > 0 ? { search: trials } : {}),
      ...(explained ? { failures } : {}),
    });
  };

  /** A sweep's plan grows, and loses the waiting folds of trials that it gave up, as it decides. */
  async #readPlan(): Promise<void> {
    const stored = await this.#list.decoded.storedPlan(this.#plan.run);
    if (stored === this.#stored) return;
    this.#stored = stored;
    const names = ({ jobs }: RunPlan) => jobs.map(({ trial, key }) => `${trial} ${key}`).join();
    if (names(stored.plan) === names(this.#plan)) return;
    this.#lay(stored.plan);
    this.#grown = true;
  }

  /** Rows of trials that are not as they were told last. */
  #newRows(): TrialRow[] {
    if (!this.#stored.search) return [];
    const rows = this.#table.rows(this.#stored);
    const changed = rows.filter((row) => JSON.stringify(row) !== this.#trials.get(row.trial));
    this.#trials = new Map(rows.map((row) => [row.trial, JSON.stringify(row)]));
    return changed;
  }

  /** @returns cells that were active and are no more */
  #setActive(active: RunStatus['active'], changed: Set<number>): number[] {
    const now = new Map(
      active.map((one) => [this.#byName.get(`${one.trial}/${one.repeat}/${one.fold}`), one.fraction]),
    );
    const left: number[] = [];
    for (const [i, cell] of this.#cells.entries()) {
      const fraction = now.get(i);
      if (fraction !== undefined && cell[0] !== CELL.done) this.#set(i, [CELL.active, fraction, null, null], changed);
      else if (fraction === undefined && cell[0] === CELL.active) {
        this.#set(i, [CELL.waiting, 0, null, null], changed);
        left.push(i);
      }
    }
    return left;
  }

  /** Marks those of these cells that have a result; what it says is read later, a few at a time. */
  async #findDone(indices: readonly number[], changed: Set<number>): Promise<void> {
    await mapLimited(indices, async (i) => {
      const { key } = this.#plan.jobs[i];
      if (!(await this.#list.store.has(storeKeys.result(key)))) return;
      for (const cell of this.#byKey.get(key) ?? []) this.#set(cell, [CELL.done, 1, null, null], changed);
      this.#unread.push(this.#plan.jobs[i]);
    });
  }

  async #readSome(changed: Set<number>, most: number): Promise<void> {
    await mapLimited(this.#unread.splice(0, most), async (job) => {
      const result = await readResult(this.#list.store, job);
      if (!result) return;
      if (this.#stored.search) await this.#table.read(this.#plan, job);
      const cells = this.#byKey.get(job.key) ?? [];
      // Of a run that has ended the results told it.
      const share =
        this.#cells[cells[0]]?.[2] ??
        result.curve.at(-1)?.testAccuracy ??
        (await this.#accuracyOf(job, result).catch(() => null));
      for (const cell of cells) this.#set(cell, [CELL.done, 1, share, result.seconds], changed);
    });
  }

  async #accuracyOf(job: FoldJob, result: Parameters<typeof readScores>[1]): Promise<number> {
    const scores = await readScores(this.#list.store, result);
    return accuracy(confusionOf(await this.#list.decoded.manifest(this.#plan), this.#plan, job, scores));
  }

  async #sweep(changed: Set<number>): Promise<void> {
    const began = Date.now();
    const firsts = [...this.#byKey.values()].map(([first]) => first);
    await this.#findDone(
      firsts.filter((i) => this.#cells[i][0] !== CELL.done),
      changed,
    );
    await this.#readFailures();
    const failed = new Set([...this.#reasons.keys()].flatMap((key) => this.#byKey.get(key) ?? []));
    for (const [i, cell] of this.#cells.entries()) {
      if (failed.has(i) && cell[0] !== CELL.done) this.#set(i, [CELL.failed, 0, null, null], changed);
      else if (cell[0] === CELL.failed && !failed.has(i)) this.#set(i, [CELL.waiting, 0, null, null], changed);
    }
    this.#swept = Date.now();
    this.#pause = Math.max(SWEEP, SHARE * (this.#swept - began));
  }

  async #readFailures(): Promise<void> {
    const { store } = this.#list;
    const reasons = new Map<string, Reason>();
    for await (const key of store.list(storeKeys.failures(this.#plan.run))) {
      const bytes = await store.get(key);
      if (!bytes) continue;
      const failure = unlessUnreadable(() => decodeRecord(foldFailureSchema, bytes, key));
      if (!failure) continue;
      const { code, message, hint } = failure.error;
      reasons.set(failure.key, { code, message, ...(hint ? { hint } : {}) });
    }
    this.#reasons = reasons;
  }

  /** Each reason once, with the cells that failed of it. */
  #failures(): (Reason & { cells: number[] })[] {
    const groups = new Map<string, Reason & { cells: number[] }>();
    for (const [key, reason] of this.#reasons) {
      const cells = (this.#byKey.get(key) ?? []).filter((i) => this.#cells[i][0] === CELL.failed);
      if (cells.length === 0) continue;
      const id = JSON.stringify(reason);
      const group = groups.get(id) ?? { ...reason, cells: [] };
      group.cells.push(...cells);
      groups.set(id, group);
    }
    const all = [...groups.values()];
    for (const { cells } of all) cells.sort((a, b) => a - b);
    return all.sort((a, b) => a.cells[0] - b.cells[0]);
  }

  /** Of a run at its end, one record tells all but the seconds, which are read a few at a time. */
  async #readEnd(changed: Set<number>): Promise<void> {
    const results = await readResults(this.#list.store, this.#plan.run);
    if (!results) return;
    const shares = sharesOf(results);
    // The results of a sweep are of its winners alone.
    const tried = (i: number) => this.#stored.search?.trials.has(this.#plan.jobs[i].trial) === true;
    await this.#findDone(
      [...this.#cells.keys()].filter((i) => tried(i) && this.#cells[i][0] !== CELL.done),
      changed,
    );
    if (results.status === 'complete') this.#reasons.clear();
    else await this.#readFailures();
    const untimed = new Map<string, FoldJob>();
    for (const [i, job] of this.#plan.jobs.entries()) {
      if (tried(i) && this.#cells[i][0] === CELL.done) continue;
      const share = shares.get(`${this.#nameOf(job)}/${job.shuffle ?? ''}`);
      const [, , , seconds] = this.#cells[i];
      this.#set(i, share === undefined ? [CELL.failed, 0, null, null] : [CELL.done, 1, share, seconds], changed);
      if (share !== undefined && seconds === null) untimed.set(job.key, job);
    }
    for (const { key } of this.#unread) untimed.delete(key);
    this.#unread.push(...untimed.values());
  }

  #nameOf({ trial, split }: FoldJob): string {
    const { repeat, fold } = this.#plan.splits[split];
    return `${trial}/${repeat}/${fold}`;
  }

  #set(i: number, cell: Cell, changed: Set<number>): void {
    if (cell.every((value, at) => value === this.#cells[i][at])) return;
    this.#cells[i] = cell;
    changed.add(i);
  }

  #header() {
    const { run, name, state, total, done, failed, etaSeconds } = this.#status;
    return { run, name, state, total, done, failed, etaSeconds };
  }

  /** Of a sweep: its trials, and the estimators that it searches or evaluates as they are. */
  #search() {
    const { base } = this.#stored;
    if (!base.spec.search) return null;
    const bases = Object.keys(base.spec.search.space);
    const fixed = Object.keys(base.spec.estimators).filter((name) => !bases.includes(name));
    return { metric: base.spec.search.metric, bases, fixed, trials: this.#table.rows(this.#stored) };
  }

  #snapshot() {
    const { spec, jobs, splits, dataset } = this.#plan;
    const trials = Object.entries(spec.estimators).map(([name, parameters]) => ({ name, parameters }));
    const places = jobs.map(({ trial, split, shuffle }) => {
      const { repeat, fold } = splits[split];
      return [trials.findIndex(({ name }) => name === trial), repeat, fold, shuffle ?? null];
    });
    return {
      status: this.#header(),
      dataset: { name: dataset.name, clips: dataset.clips, classes: dataset.classes },
      protocol: spec.protocol,
      search: this.#search(),
      trials,
      places,
      cells: this.#cells,
      failures: this.#failures(),
    };
  }
}

/** Accuracies by trial, repeat, fold and shuffle. */
function sharesOf({ models, baselines }: RunResults): Map<string, number> {
  const shares = new Map<string, number>();
  for (const { kind, name, folds } of models) {
    if (kind !== 'estimator') continue;
    for (const { repeat, fold, accuracy } of folds) shares.set(`${name}/${repeat}/${fold}/`, accuracy);
  }
  for (const { model, folds } of baselines.shuffled ?? []) {
    for (const { repeat, fold, shuffle, accuracy } of folds)
      shares.set(`${model}/${repeat}/${fold}/${shuffle}`, accuracy);
  }
  return shares;
}
