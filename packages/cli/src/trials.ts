import type { ArtifactStore, StoredPlan } from '@cryfold/artifacts';
import { mapLimited } from '@cryfold/control';
import { FoldScores } from '@cryfold/coordinator';
import { contextSplits } from '@cryfold/core';
import type { TrialRow } from '@cryfold/evaluation';
import { meanScore, trialStatistics } from '@cryfold/search';

/** The trials of the search over all data as they stand now, best first within each estimator; of no sweep, none. */
export async function readTrialRows(store: ArtifactStore, { plan, base, search }: StoredPlan): Promise<TrialRow[]> {
  const spec = base.spec.search;
  if (!search || !spec) return [];
  const scores = new FoldScores(store);
  const splits = contextSplits(base, 0);
  const ratio = meanScore(splits.map((s) => base.splits[s].test.length / base.splits[s].train.length));
  const ranked = await mapLimited(
    [...search.trials.values()].filter(({ context }) => context === 0),
    async ({ trial, base: name, state, reason = '', parameters, ...rest }) => {
      const own = new Map<number, number>();
      for (const job of state === 'RUNNING' ? plan.jobs.filter((one) => one.trial === trial) : []) {
        const score = await scores.read(plan, job, spec.metric).catch(() => undefined);
        if (score !== undefined) own.set(job.split, score);
      }
      const statistics = rest.statistics ?? trialStatistics(own, ratio, spec);
      const { folds, mean, standardDeviation, low, high } = statistics;
      const figures = { folds, planned: splits.length, mean, standardDeviation, low, high };
      const row: TrialRow = { trial, base: name, state, reason, parameters, ...figures };
      return { row, score: mean === null ? Number.NEGATIVE_INFINITY : spec.metric === 'logLoss' ? -mean : mean };
    },
  );
  const bases = Object.keys(spec.space);
  ranked.sort((a, b) => bases.indexOf(a.row.base) - bases.indexOf(b.row.base) || b.score - a.score);
  return ranked.map(({ row }) => row);
}
