import { deriveSeed } from '@cryfold/core';
import { type Split, type Splitter, splitterOf } from '@cryfold/evaluation';
import { checkPlanSize, innerFoldsOf, type PlannedSplit, type Spec } from '@cryfold/plan';

/** What `--protocol` calls them: the paper's random folds, and folds grouped by infant. */
export const PROTOCOLS: Readonly<Record<string, Splitter>> = {
  paper: 'RepeatedKFold',
  grouped: 'StratifiedGroupKFold',
};

/** What splitters look at: a dataset read anew, or the manifest of one in the store. */
export interface Labelled {
  classes: string[];
  clips: readonly { label: string; group: string }[];
}

/**
 * The folds of a spec's protocol, all shuffled by its seed.
 * @throws CryfoldError PLAN_TOO_LARGE before any fold is made; SPLIT_IMPOSSIBLE
 */
export function makeSplits(spec: Spec, dataset: Labelled): Split[] {
  checkPlanSize(spec, dataset);
  return split(spec.protocol, spec.seed, dataset);
}

function split({ splitter, folds, repeats }: Spec['protocol'], seed: number, { clips, classes }: Labelled): Split[] {
  const labels = Int32Array.from(clips, ({ label }) => classes.indexOf(label));
  const groups = clips.map(({ group }) => group);
  return splitterOf(splitter).split({ labels, groups, folds, repeats, seed });
}

/** The folds of a spec's protocol, and after them those inside each where it asks for nested cross-validation. */
export function allSplits(spec: Spec, dataset: Labelled): PlannedSplit[] {
  const outer = makeSplits(spec, dataset);
  return [...outer, ...innerSplits(spec, dataset, outer)];
}

/**
 * Each outer fold's training clips split again, by the same splitter: where the outer folds keep groups whole, so do
 * these.
 * @throws CryfoldError SPLIT_IMPOSSIBLE
 */
export function innerSplits(spec: Spec, { classes, clips }: Labelled, outer: readonly Split[]): PlannedSplit[] {
  const folds = innerFoldsOf(spec);
  if (folds === undefined) return [];
  return outer.flatMap(({ repeat, fold, train }, o) => {
    const own = { classes, clips: Array.from(train, (clip) => clips[clip]) };
    const seed = deriveSeed(spec.seed, 'inner', o);
    return split({ ...spec.protocol, folds, repeats: 1 }, seed, own).map((inner) => ({
      ...{ repeat, fold, outer: o, inner: inner.fold },
      train: inner.train.map((row) => train[row]),
      test: inner.test.map((row) => train[row]),
    }));
  });
}
