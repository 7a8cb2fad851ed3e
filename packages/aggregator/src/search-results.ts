import { mapLimited } from '@cryfold/core';
import {
  argmaxRows,
  METRICS,
  type MetricName,
  type RunResults,
  type SearchResults,
  type TrialRow,
} from '@cryfold/evaluation';
import { correctedScore } from '@cryfold/hyperparameter-search';
import { choiceKey, contextSplits } from '@cryfold/plan';
import type { RunStore, StoredPlan } from '@cryfold/store';
import { type OnDamaged, readUndamaged, type StoredRun } from './read-run.js';

/** Out-of-fold predictions of each complete trial of the search over all data: by split, rows of what it predicts by. */
export type TriedTrials = Map<string, Map<number, { probabilities: Float64Array; scores: Float64Array }>>;

/** Undefined for a run that is no sweep. */
export async function readTrials(
  store: RunStore,
  { plan, search }: StoredPlan,
  onDamaged: OnDamaged,
): Promise<TriedTrials | undefined> {
  if (!search) return undefined;
  const tried: TriedTrials = new Map();
  for (const { trial, state, context } of search.trials.values()) {
    if (state === 'COMPLETE' && context === 0) tried.set(trial, new Map());
  }
  const jobs = plan.jobs.filter(({ trial, shuffle }) => tried.has(trial) && shuffle === undefined);
  await mapLimited(jobs, async (job) => {
    const fold = await readUndamaged(store, job, plan, onDamaged);
    if (!fold) return;
    const { probabilities, decisions = probabilities } = fold;
    tried.get(job.trial)?.set(job.split, { probabilities, scores: decisions });
  });
  return tried;
}

/** What each clip adds to a trial's score, as a mean over the repeats that tested it; NaN where none did. */
function clipValues(
  folds: NonNullable<ReturnType<TriedTrials['get']>>,
  metric: MetricName,
  { splits, clips, classes }: StoredRun['input'],
): Float64Array {
  const sums = new Float64Array(clips.length);
  const counts = new Float64Array(clips.length);
  for (const [s, { probabilities, scores }] of folds) {
    const predicted = argmaxRows(scores, classes.length);
    splits[s].test.forEach((clip, row) => {
      const { label } = clips[clip];
      const p = Math.max(probabilities[row * classes.length + label], Number.EPSILON);
      sums[clip] += metric === 'logLoss' ? Math.log(p) : Number(predicted[row] === label);
      counts[clip]++;
    });
  }
  return sums.map((sum, clip) => sum / counts[clip]);
}

/** The clips that every trial tested: splits other than k-fold leave some out. */
function testedClips(values: readonly Float64Array[], { clips }: Pick<StoredRun['input'], 'clips'>) {
  const tested = Array.from(clips.keys()).filter((clip) => !values.some((own) => Number.isNaN(own[clip])));
  return {
    values: values.map((own) => Float64Array.from(tested, (clip) => own[clip])),
    labels: tested.map((clip) => clips[clip].label),
    groups: tested.map((clip) => clips[clip].group),
  };
}

/** What a sweep tried, and how good its winners are. */
export function searchResults(
  stored: StoredPlan,
  run: StoredRun,
  tried: TriedTrials,
  { models }: Pick<RunResults, 'models'>,
): SearchResults {
  const { base: plan, search } = stored;
  const spec = plan.spec.search!;
  const sign = METRICS[spec.metric].sign;
  const outer = contextSplits(plan, 0);
  const rows = [...search!.trials.values()]
    .filter(({ context }) => context === 0)
    .map(({ trial, base, state, reason = '', parameters, statistics }): TrialRow => {
      const { folds = 0, mean = null, standardDeviation = null, low = null, high = null } = statistics ?? {};
      const figures = { folds, planned: outer.length, mean, standardDeviation, low, high };
      return { trial, base, state, reason, parameters, ...figures };
    });
  const bases = Object.keys(spec.space);
  const last = (row: TrialRow) => (row.mean === null ? Number.NEGATIVE_INFINITY : sign * row.mean);
  rows.sort((a, b) => bases.indexOf(a.base) - bases.indexOf(b.base) || last(b) - last(a));
  return {
    algorithm: spec.algorithm,
    metric: spec.metric,
    nested: spec.nested !== undefined,
    trials: rows,
    winners: bases.map((base) => {
      const trial = search!.choices.get(choiceKey(base, 0)) ?? null;
      const complete = rows.filter((row) => row.base === base && row.state === 'COMPLETE');
      const parametersOf = (name: string | null) => search!.trials.get(name ?? '')?.parameters ?? {};
      const inside = spec.nested ? outer : [];
      return {
        base,
        trial,
        parameters: parametersOf(trial),
        among: complete.length,
        plain: complete.find((row) => row.trial === trial)?.mean ?? null,
        corrected: correctedScore({
          metric: spec.metric,
          ...testedClips(
            complete.map((row) => clipValues(tried.get(row.trial)!, spec.metric, run.input)),
            run.input,
          ),
        }),
        nestedMean: spec.nested ? (models.find(({ name }) => name === base)?.[spec.metric]?.mean ?? null) : null,
        inside: inside.map((split) => {
          const { repeat, fold } = plan.splits[split];
          const won = search!.choices.get(choiceKey(base, split + 1)) ?? null;
          return { repeat, fold, trial: won, parameters: parametersOf(won) };
        }),
      };
    }),
  };
}
