import { bestModelOf, leakHeadline, METRIC_NAMES, metricOf, type RunResults } from '@cryfold/evaluation';
import { metricOfSpec, protocolNameOf, type RunPlan } from '@cryfold/plan';
import type { RunStore } from '@cryfold/store';
import { z } from 'zod';

/** Facts about a run and its results that are shown in lists of runs. Servers of earlier versions do not send them. */
export const runFactsSchema = z
  .object({
    /** Name of the recordings' directory or manifest */
    dataset: z.string(),
    /** `name` is a value of `--protocol` or `test-on`; null for other splitters */
    protocol: z.object({
      name: z.string().nullable(),
      splitter: z.string(),
      repeats: z.int(),
      /** Number of folds per repeat */
      folds: z.int(),
    }),
    /** When the plan was stored */
    created: z.iso.datetime(),
    /** When the results were stored; null until then */
    ended: z.iso.datetime().nullable(),
    /** Main metric of the run */
    metric: z.enum(METRIC_NAMES),
    /** Mean of the metric over the test folds of the best model; null if no model has a result */
    score: z
      .object({
        model: z.string(),
        mean: z.number(),
        /** Whether training and test clips share sounds or groups, which inflates the score */
        inflated: z.boolean().optional(),
      })
      .nullable(),
    /** Version of cryfold that computed the results; null until then, or if unknown */
    version: z.string().nullable(),
  })
  .partial();
export type RunFacts = z.infer<typeof runFactsSchema>;

/** @param results undefined while the run has not ended */
export async function factsOf({ runs }: RunStore, plan: RunPlan, results: RunResults | undefined): Promise<RunFacts> {
  const created = (await runs.planInfo(plan.run))?.modified.toISOString();
  const ended = results && (await runs.endedAt(plan.run))?.toISOString();
  const { splitter } = plan.spec.protocol;
  const best = results && bestModelOf(results);
  return {
    dataset: plan.dataset.name,
    protocol: { name: protocolNameOf(splitter, plan.dataset.name) ?? null, splitter, ...sizeOf(plan) },
    ...(created === undefined ? {} : { created }),
    ended: ended ?? null,
    metric: results ? metricOf(results) : metricOfSpec(plan.spec),
    score: best
      ? { model: best.model, mean: best.figures.mean, inflated: leakHeadline(results.leaks) !== undefined }
      : null,
    version: versionOf(results),
  };
}

function versionOf(results: RunResults | undefined): string | null {
  const { cryfold } = results?.environment ?? {};
  return typeof cryfold === 'string' ? cryfold : null;
}

/** Counts the actual repeats and folds, because some splitters determine their number from the data. */
function sizeOf({ splits }: RunPlan): { repeats: number; folds: number } {
  const outer = splits.filter((split) => split.outer === undefined);
  const distinct = (member: 'repeat' | 'fold') => new Set(outer.map((split) => split[member])).size;
  return { repeats: distinct('repeat'), folds: distinct('fold') };
}
