import { mapLimited } from '@cryfold/core';
import { type RunResults, type SearchResults, type TrialRow, trialOrder } from '@cryfold/evaluation';
import { scoreChoice, type TestedFold, trialAnswers, trialEpochs } from '@cryfold/hyperparameter-search';
import { choiceKey, contextSplits } from '@cryfold/plan';
import type { RunStore, StoredPlan } from '@cryfold/store';
import { type OnDamaged, readUndamaged, type StoredRun } from './read-run.js';

/**
 * For the search that uses all data: the predictions of each trial on every fold on which the trial was judged.
 * Excludes failed trials.
 */
export type TriedTrials = Map<string, TestedFold[]>;

/** Reads the trials of a sweep. Returns undefined if the run is not a sweep. */
export async function readTrials(
  store: RunStore,
  { plan, search }: StoredPlan,
  onDamaged: OnDamaged,
): Promise<TriedTrials | undefined> {
  if (!search) return undefined;
  const tried: TriedTrials = new Map();
  for (const { trial, state, context } of search.trials.values()) {
    if (state !== 'FAILED' && context === 0) tried.set(trial, []);
  }
  const jobs = plan.jobs.filter(({ trial, shuffle }) => tried.has(trial) && shuffle === undefined);
  await mapLimited(jobs, async (job) => {
    const fold = await readUndamaged(store, job, plan, onDamaged);
    if (!fold) return;
    const { probabilities, decisions = probabilities } = fold;
    tried.get(job.trial)?.push({ test: plan.splits[job.split].test, probabilities, scores: decisions });
  });
  return tried;
}

/** Returns the trials of a sweep, and the quality of its winners. */
export function searchResults(
  stored: StoredPlan,
  run: StoredRun,
  tried: TriedTrials,
  { models }: Pick<RunResults, 'models'>,
): SearchResults {
  const { base: plan, search } = stored;
  const spec = plan.spec.search!;
  const outer = contextSplits(plan, 0);
  const { clips, classes } = run.input;
  const labels = clips.map(({ label }) => label);
  const rows = [...search!.trials.values()]
    .filter(({ context }) => context === 0)
    .map((one): TrialRow => {
      const { trial, base, state, reason = '', parameters, statistics } = one;
      const { folds = 0, mean = null, standardDeviation = null, low = null, high = null } = statistics ?? {};
      const figures = { folds, planned: outer.length, mean, standardDeviation, low, high };
      return { trial, base, state, reason, parameters, ...figures, ...trialEpochs(plan.spec, one) };
    });
  const bases = Object.keys(spec.space);
  rows.sort(trialOrder(spec.metric, bases));
  return {
    algorithm: spec.algorithm,
    metric: spec.metric,
    nested: spec.nested !== undefined,
    trials: rows,
    winners: bases.map((base) => {
      const trial = search!.choices.get(choiceKey(base, 0)) ?? null;
      const complete = rows.filter((row) => row.base === base && row.state === 'COMPLETE');
      const begun = rows.flatMap(({ base: of, trial: name, state }) => {
        const folds = of === base ? (tried.get(name) ?? []) : [];
        return folds.length > 0 ? [{ trial: name, state, answers: trialAnswers(folds, labels, classes.length) }] : [];
      });
      const groups = clips.map(({ group }) => group);
      const parametersOf = (name: string | null) => search!.trials.get(name ?? '')?.parameters ?? {};
      const inside = spec.nested ? outer : [];
      return {
        base,
        trial,
        parameters: parametersOf(trial),
        among: complete.length,
        plain: complete.find((row) => row.trial === trial)?.mean ?? null,
        ...scoreChoice({ search: spec, begun, winner: trial, labels, groups }),
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
