import { METRICS, type MetricName, type RunResults } from '@cryfold/evaluation';
import { type FoldJob, isInnerFold, metricOfSpec, type RunPlan } from '@cryfold/plan';
import { displayName } from '@cryfold/report';
import type { Cell, CellPhase, Failure, Figure, FoldGrid, GridChange, Reason, RunStatus } from '@cryfold/run-control';

/** The states of a grid cell. */
export const CELL = { waiting: 0, active: 1, done: 2, failed: 3 } as const satisfies Record<string, CellPhase>;

/** The folds of a run as cells, in the order of the plan's jobs. This class does no I/O. */
export class GridModel {
  #plan: RunPlan;
  #cells: Cell[] = [];
  /** Cells by fold key. Trials that need the same fold share one job */
  readonly #byKey = new Map<string, number[]>();
  /** Cells by trial, repeat and fold, excluding shuffled labels and inner splits */
  readonly #byName = new Map<string, number>();
  readonly #changed = new Set<number>();
  /** By key of the fold */
  #reasons: ReadonlyMap<string, Reason> = new Map();

  constructor(plan: RunPlan) {
    this.#plan = shown(plan);
    this.#lay();
  }

  get plan(): RunPlan {
    return this.#plan;
  }

  /**
   * Replaces the plan, and keeps the state of folds that both the old and the new plan contain.
   * @returns whether the cells changed
   */
  replan(grown: RunPlan): boolean {
    const plan = shown(grown);
    const names = ({ jobs }: RunPlan) => jobs.map(({ trial, key }) => `${trial} ${key}`).join();
    if (names(plan) === names(this.#plan)) return false;
    const known = new Map(this.#plan.jobs.map(({ trial, key }, i) => [`${trial} ${key}`, this.#cells[i]]));
    this.#plan = plan;
    this.#changed.clear();
    this.#lay(known);
    return true;
  }

  #lay(known: ReadonlyMap<string, Cell> = new Map()): void {
    const { jobs, splits } = this.#plan;
    this.#cells = jobs.map(({ trial, key }) => known.get(`${trial} ${key}`) ?? [CELL.waiting, 0, null, null]);
    this.#byKey.clear();
    this.#byName.clear();
    for (const [i, job] of jobs.entries()) {
      this.#byKey.set(job.key, [...(this.#byKey.get(job.key) ?? []), i]);
      const own = job.shuffle === undefined && splits[job.split].inner === undefined;
      if (own) this.#byName.set(this.#nameOf(job), i);
    }
  }

  /** Marks the folds that are being trained. @returns folds that are no longer being trained */
  setActive(active: RunStatus['active']): FoldJob[] {
    const now = new Map(
      active.map((one) => [this.#byName.get(`${one.trial}/${one.repeat}/${one.fold}`), one.fraction]),
    );
    const left = new Map<string, FoldJob>();
    for (const [i, [state]] of this.#cells.entries()) {
      const fraction = now.get(i);
      if (fraction !== undefined && state !== CELL.done) this.#set(i, [CELL.active, fraction, null, null]);
      else if (fraction === undefined && state === CELL.active) {
        this.#set(i, [CELL.waiting, 0, null, null]);
        left.set(this.#plan.jobs[i].key, this.#plan.jobs[i]);
      }
    }
    return [...left.values()];
  }

  /** Marks a fold whose result exists but has not been read yet. */
  setDone(fold: string): void {
    for (const i of this.#byKey.get(fold) ?? []) this.#set(i, [CELL.done, 1, null, null]);
  }

  /** @param value value of the run's metric; null if unknown */
  setResult(fold: string, value: number | null, seconds: number): void {
    for (const i of this.#byKey.get(fold) ?? []) this.#set(i, [CELL.done, 1, value, seconds]);
  }

  valueOf(fold: string): number | null {
    const [first] = this.#byKey.get(fold) ?? [];
    return this.#cells[first]?.[2] ?? null;
  }

  /** Sets the reasons for failures by fold key, without changing cells. */
  explain(reasons: ReadonlyMap<string, Reason>): void {
    this.#reasons = reasons;
  }

  /** Marks folds with a reason as failed, and failed folds without a reason as waiting. */
  markFailed(): void {
    const failed = new Set([...this.#reasons.keys()].flatMap((key) => this.#byKey.get(key) ?? []));
    for (const [i, [state]] of this.#cells.entries()) {
      if (failed.has(i) && state !== CELL.done) this.#set(i, [CELL.failed, 0, null, null]);
      else if (state === CELL.failed && !failed.has(i)) this.#set(i, [CELL.waiting, 0, null, null]);
    }
  }

  /** Returns the distinct folds that have no result. */
  missing(of: (job: FoldJob) => boolean = () => true): FoldJob[] {
    const found = new Map<string, FoldJob>();
    for (const [i, job] of this.#plan.jobs.entries()) {
      if (this.#cells[i][0] !== CELL.done && of(job) && !found.has(job.key)) found.set(job.key, job);
    }
    return [...found.values()];
  }

  count(phase: CellPhase): number {
    return this.#cells.filter(([is]) => is === phase).length;
  }

  /**
   * Applies the results of a run that has ended.
   * @param tried whether a fold belongs to a search, because the results contain only the winners of each search
   * @returns the folds whose duration is unknown, each only once
   */
  end(results: RunResults, tried: (job: FoldJob) => boolean): FoldJob[] {
    const values = valuesOf(results, metricOfSpec(this.#plan.spec));
    const untimed = new Map<string, FoldJob>();
    for (const [i, job] of this.#plan.jobs.entries()) {
      const [state, , , seconds] = this.#cells[i];
      if (tried(job) && state === CELL.done) continue;
      const value = values.get(`${this.#nameOf(job)}/${job.shuffle ?? ''}`);
      this.#set(i, value === undefined ? [CELL.failed, 0, null, null] : [CELL.done, 1, value, seconds]);
      if (value !== undefined && seconds === null) untimed.set(job.key, job);
    }
    return [...untimed.values()];
  }

  /** Returns each reason once, with all cells that failed for it. */
  failures(): Failure[] {
    const groups = new Map<string, Failure>();
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

  /** Returns the cells that changed since the last call, with their indices. */
  takeChanges(): GridChange['cells'] {
    const changes = [...this.#changed].map((i): [number, ...Cell] => [i, ...this.#cells[i]]);
    this.#changed.clear();
    return changes;
  }

  /** Returns everything that the page shows about the folds. */
  snapshot(): FoldGrid {
    const { spec, jobs, splits, dataset } = this.#plan;
    const trials = Object.entries(spec.estimators).map(([name, parameters]) => ({
      ...{ name, parameters },
      title: displayName({ spec }, name),
    }));
    const positions = new Map(trials.map(({ name }, i) => [name, i]));
    const places = jobs.map(({ trial, split, shuffle }): FoldGrid['places'][number] => {
      const { repeat, fold } = splits[split];
      return [positions.get(trial) ?? -1, repeat, fold, shuffle ?? null];
    });
    return {
      dataset: { name: dataset.name, clips: dataset.clips, classes: dataset.classes },
      protocol: spec.protocol,
      trials,
      places,
      cells: this.#cells,
      figure: figureOf(metricOfSpec(spec)),
      failures: this.failures(),
    };
  }

  #nameOf({ trial, split }: FoldJob): string {
    const { repeat, fold } = this.#plan.splits[split];
    return `${trial}/${repeat}/${fold}`;
  }

  #set(i: number, cell: Cell): void {
    if (cell.every((value, at) => value === this.#cells[i][at])) return;
    this.#cells[i] = cell;
    this.#changed.add(i);
  }
}

/** Removes the inner folds of nested fusions, which have the same trial, repeat and fold as an outer fold. */
function shown(plan: RunPlan): RunPlan {
  return { ...plan, jobs: plan.jobs.filter((job) => !isInnerFold(plan, job)) };
}

/** Returns what the page needs to know about a metric. */
export function figureOf(metric: MetricName): Figure {
  const { title, sign, share } = METRICS[metric];
  return { title, sign, share };
}

/** The metric by trial, repeat, fold and shuffle; null if results of earlier versions do not contain it. */
function valuesOf({ models, baselines }: RunResults, metric: MetricName): Map<string, number | null> {
  const found = new Map<string, number | null>();
  for (const { kind, name, folds } of models) {
    if (kind !== 'estimator') continue;
    for (const { repeat, fold, [metric]: value } of folds) found.set(`${name}/${repeat}/${fold}/`, value);
  }
  for (const { model, folds } of baselines.shuffled ?? []) {
    for (const { repeat, fold, shuffle, [metric]: value } of folds) {
      found.set(`${model}/${repeat}/${fold}/${shuffle}`, value ?? null);
    }
  }
  return found;
}
