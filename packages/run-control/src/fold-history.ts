import { ifReadable, mapLimited } from '@cryfold/core';
import { type Estimator, kindOf } from '@cryfold/estimators';
import { featureKindOf } from '@cryfold/features/kinds';
import { type FoldResult, featuresOf, type RunPlan } from '@cryfold/plan';
import type { RunStore } from '@cryfold/store';

/** Maximum number of fold records to use per cost unit. Using more would hardly change the median. */
const SAMPLE = 200;

/** The machine that will run the training. */
export interface Machine {
  /** Model name of the first processor, as neural-network estimators record it in their results */
  processor: string;
  host: string;
}

/** How long earlier folds took, for estimators that share a unit of cost. */
export interface KindHistory {
  folds: number;
  /** Median duration in seconds per cost unit */
  secondsPerUnit: number;
  /** Whether these folds were trained on the requested machine */
  here: boolean;
}

/** History by unit of cost */
export type History = Map<string, KindHistory>;

/**
 * Returns the unit of a trial's cost. The unit depends on the kind of estimator or, for commands, on the program, since
 * programs differ in speed. Estimators that use vectors and estimators that use images have separate units, because
 * their inputs differ in size and `svm` processes the two differently.
 */
export function unitOf({ spec }: Pick<RunPlan, 'spec'>, trial: string): string {
  const estimator = spec.estimators[trial];
  const { unit, reads } = kindOf(estimator);
  const own = unit?.(estimator) ?? estimator.kind;
  const onVectors = reads === 'any' && featureKindOf(featuresOf(spec, trial)).produces === 'vectors';
  return onVectors ? `${own} on vectors` : own;
}

export interface HistoryOptions {
  /**
   * If there are folds from this machine or from one with the same processor model, use only those. If no machine is
   * given, use all folds
   */
  machine?: Machine | undefined;
  /** Maximum number of runs to read, latest first; default: all */
  runs?: number | undefined;
}

interface Sample {
  secondsPerUnit: number;
  here: boolean;
}

/** Reads the committed folds of runs in the store. */
export async function readHistory(store: RunStore, { machine, runs }: HistoryOptions = {}): Promise<History> {
  const found = new Map<string, Map<string, Sample>>();
  for (const run of await latestRuns(store, runs)) {
    const stored = await ifReadable(store.runs.plan(run));
    if (!stored) continue;
    const { plan } = stored;
    const wanted = new Map<string, { estimator: Estimator; unit: string; clips: number }>();
    for (const { key, trial, split, shuffle } of plan.jobs) {
      const estimator = plan.spec.estimators[trial];
      const unit = unitOf(plan, trial);
      const known = found.get(unit);
      const enough = (known?.size ?? 0) + [...wanted.values()].filter((w) => w.unit === unit).length;
      if (shuffle !== undefined || known?.has(key) || enough >= SAMPLE) continue;
      wanted.set(key, { estimator, unit, clips: plan.splits[split].train.length });
    }
    await mapLimited([...wanted], async ([key, { estimator, unit, clips }]) => {
      const result = await ifReadable(store.folds.result(key));
      if (!result) return;
      const own = found.get(unit) ?? new Map<string, Sample>();
      const secondsPerUnit = result.seconds / kindOf(estimator).cost(estimator, clips);
      found.set(unit, own.set(key, { secondsPerUnit, here: isHere(result, machine) }));
    });
  }
  return new Map([...found].map(([unit, samples]) => [unit, summarise([...samples.values()])]));
}

async function latestRuns(store: RunStore, count: number | undefined): Promise<string[]> {
  const ids = await store.runs.ids();
  if (count === undefined || ids.length <= count) return ids;
  const dated = await mapLimited(ids, async (id) => ({
    id,
    at: (await store.runs.planInfo(id))?.modified.getTime() ?? 0,
  }));
  return dated
    .sort((a, b) => b.at - a.at)
    .slice(0, count)
    .map(({ id }) => id);
}

/** Compares hosts if the processor is unknown, because some kinds of estimators do not record it. */
function isHere({ environment }: FoldResult, machine: Machine | undefined): boolean {
  if (!machine) return true;
  return environment.processor === undefined
    ? environment.host === machine.host
    : environment.processor === machine.processor;
}

function summarise(samples: readonly Sample[]): KindHistory {
  const here = samples.filter((sample) => sample.here);
  const counted = here.length > 0 ? here : samples;
  const sorted = counted.map(({ secondsPerUnit }) => secondsPerUnit).sort((a, b) => a - b);
  return {
    folds: sorted.length,
    secondsPerUnit: sorted[Math.floor(sorted.length / 2)],
    here: here.length > 0,
  };
}
