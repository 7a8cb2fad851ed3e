import { mapLimited } from '@cryfold/core';
import { type TrialRow, trialOrder } from '@cryfold/evaluation';
import { meanScore, trialEpochs, trialStatistics } from '@cryfold/hyperparameter-search';
import { contextSplits, type FoldJob, type RunPlan } from '@cryfold/plan';
import { FoldScores, type RunStore, type StoredPlan } from '@cryfold/store';

/** The current trials of a sweep's search over all data. The score of each fold is read only once. */
export class TrialTable {
  readonly #scores: FoldScores;

  constructor(store: RunStore) {
    this.#scores = new FoldScores(store);
  }

  /** Reads the committed result of a fold. An unreadable result counts as missing. */
  async read(plan: RunPlan, job: FoldJob): Promise<void> {
    await this.#scores.read(plan, job).catch(() => {});
  }

  /**
   * Trials in the order of `trialOrder`. The scores of a running trial are computed from the folds read so far. Empty
   * for runs that are not sweeps.
   */
  rows({ plan, base, search }: StoredPlan): TrialRow[] {
    const spec = base.spec.search;
    if (!search || !spec) return [];
    const splits = contextSplits(base, 0);
    const ratio = meanScore(splits.map((s) => base.splits[s].test.length / base.splits[s].train.length));
    const scores = new Map<string, Map<number, number>>();
    for (const { trial, key, split } of plan.jobs) {
      const score = this.#scores.get(key);
      if (score === undefined) continue;
      const own = scores.get(trial) ?? new Map<number, number>();
      scores.set(trial, own.set(split, score));
    }
    return [...search.trials.values()]
      .filter(({ context }) => context === 0)
      .map((one): TrialRow => {
        const { trial, base: name, state, reason = '', parameters } = one;
        const own = scores.get(trial) ?? new Map<number, number>();
        const { folds, mean, standardDeviation, low, high } = one.statistics ?? trialStatistics(own, ratio, spec);
        const figures = { folds, planned: splits.length, mean, standardDeviation, low, high };
        return { trial, base: name, state, reason, parameters, ...figures, ...trialEpochs(base.spec, one) };
      })
      .sort(trialOrder(spec.metric, Object.keys(spec.space)));
  }
}

/** Computes the rows of `TrialTable` from the records in the store; empty for runs that are not sweeps. */
export async function readTrialRows(store: RunStore, stored: StoredPlan): Promise<TrialRow[]> {
  const table = new TrialTable(store);
  const jobs = stored.plan.jobs.filter(({ trial }) => stored.search?.trials.get(trial)?.state === 'RUNNING');
  await mapLimited(jobs, (job) => table.read(stored.plan, job));
  return table.rows(stored);
}
