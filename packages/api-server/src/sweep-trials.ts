import type { TrialRow } from '@cryfold/evaluation';
import { type SweepPicture, sweepPictures } from '@cryfold/hyperparameter-search';
import type { RunPlan } from '@cryfold/plan';

/** What a sweep's page shows about its trials. */
export interface TrialsView {
  trials: TrialRow[];
  /** The data of the charts, by estimator */
  pictures: SweepPicture[];
}

/**
 * The trials of a sweep and the charts of its estimators. Recomputes only the charts of estimators whose trials
 * changed.
 */
export class SweepTrials {
  readonly #spec: RunPlan['spec'];
  #rows: readonly TrialRow[] = [];
  /** The row of each trial as JSON, by trial */
  #texts = new Map<string, string>();
  readonly #pictures = new Map<string, SweepPicture>();

  /** @param spec the run's spec */
  constructor(spec: RunPlan['spec']) {
    this.#spec = spec;
  }

  /** All trials and charts as of the last update. */
  get all(): TrialsView {
    return { trials: [...this.#rows], pictures: [...this.#pictures.values()] };
  }

  /**
   * @param rows all trials
   * @returns the trials that changed, and the charts of their estimators
   */
  update(rows: readonly TrialRow[]): TrialsView {
    const { search } = this.#spec;
    if (!search) return { trials: [], pictures: [] };
    const texts = new Map(rows.map((row) => [row.trial, JSON.stringify(row)]));
    const trials = rows.filter(({ trial }) => texts.get(trial) !== this.#texts.get(trial));
    const lost = this.#rows.filter(({ trial }) => !texts.has(trial));
    const bases = new Set([...trials, ...lost].map(({ base }) => base));
    const own = rows.filter(({ base }) => bases.has(base));
    const pictures = bases.size > 0 ? sweepPictures(this.#spec, { metric: search.metric, trials: own }) : [];
    for (const base of bases) this.#pictures.delete(base);
    for (const picture of pictures) this.#pictures.set(picture.base, picture);
    this.#rows = rows;
    this.#texts = texts;
    return { trials, pictures };
  }
}
