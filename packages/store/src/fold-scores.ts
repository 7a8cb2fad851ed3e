import { METRICS, type MetricName, scoreOf } from '@cryfold/evaluation';
import type { FoldJob, RunPlan } from '@cryfold/plan';
import type { RunStore } from './run-store.js';

/** The scores of one run's committed folds, by which a sweep compares trials. Each score is read only once. */
export class FoldScores {
  readonly #store: RunStore;
  /** By fold key */
  readonly #scores = new Map<string, number>();
  #labels: Promise<number[]> | undefined;

  constructor(store: RunStore) {
    this.#store = store;
  }

  /** Returns a score that was read earlier. */
  get(fold: string): number | undefined {
    return this.#scores.get(fold);
  }

  /**
   * Reads a committed fold's score in the metric of the plan's search; larger is better, so a log-loss is negated.
   * @returns undefined if no result is committed
   * @throws CryfoldError ARTIFACT_MISSING, ARTIFACT_CORRUPT, NPY_INVALID, JOB_INVALID
   */
  async read(plan: RunPlan, job: FoldJob): Promise<number | undefined> {
    const known = this.#scores.get(job.key);
    if (known !== undefined) return known;
    const result = await this.#store.folds.result(job.key);
    if (!result) return undefined;
    const metric: MetricName = plan.spec.search?.metric ?? 'accuracy';
    const { folds } = this.#store;
    const rows = await (METRICS[metric].share ? folds.scores(result) : folds.matrix(result.probabilities));
    const all = await this.#labelsOf(plan);
    const labels = plan.splits[job.split].test.map((clip) => all[clip]);
    const score = scoreOf(metric, METRICS[metric].of(labels, rows, plan.dataset.classes.length));
    this.#scores.set(job.key, score);
    return score;
  }

  /** Reads the labels once for all folds. If reading fails, the next call tries again. */
  #labelsOf({ dataset }: RunPlan): Promise<number[]> {
    this.#labels ??= this.#store.datasets.manifest(dataset.key).then(
      ({ clips }) => clips.map(({ label }) => dataset.classes.indexOf(label)),
      (error) => {
        this.#labels = undefined;
        throw error;
      },
    );
    return this.#labels;
  }
}
