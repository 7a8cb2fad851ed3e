import { metricOf, type RunResults } from '@cryfold/evaluation';
import type { RunPlan } from '@cryfold/plan';
import { verdictOf, warningsOf } from '@cryfold/report';
import type { GridFusion, GridOutcome } from '@cryfold/run-control';

/** The fusions of a spec. */
export function fusionsOf({ spec }: Pick<RunPlan, 'spec'>): GridFusion[] {
  return Object.entries(spec.fusion ?? {}).map(([name, { rule, members }]) => ({ name, rule, members }));
}

/** Returns the part of a finished run's results that the live page shows. */
export function outcomeOf(results: RunResults): GridOutcome {
  const metric = metricOf(results);
  const fusions = results.models.filter(({ kind }) => kind === 'fusion');
  return {
    verdict: verdictOf(results),
    warnings: warningsOf(results),
    fusions: fusions.map((model) => ({
      name: model.name,
      mean: model[metric]?.mean ?? null,
      folds: model.folds.length,
    })),
  };
}
