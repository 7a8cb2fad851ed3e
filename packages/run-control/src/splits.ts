import { CryfoldError, deriveSeed, type GroupSource } from '@cryfold/core';
import { isFitted, isGrouped, type Split, splitterOf, usableSplits } from '@cryfold/evaluation';
import { checkPlanSize, innerFoldsOf, type PlannedSplit, type Spec } from '@cryfold/plan';

/** Input of splitters: a dataset, or its manifest in the store. */
export interface Labelled {
  classes: string[];
  clips: readonly { label: string; group: string; fold?: string | undefined }[];
  /** How groups were determined; absent in manifests of earlier versions */
  groupSource?: GroupSource | undefined;
  /** If groups are unknown: suggestions for defining them, one sentence each */
  groupHints?: readonly string[];
}

/**
 * Computes the folds of a spec's protocol, shuffled with its seed. Each fold has at least one test clip, and has
 * training clips of at least two classes.
 * @throws CryfoldError PLAN_TOO_LARGE before any fold is computed; GROUPS_UNKNOWN; SPLIT_IMPOSSIBLE, FOLD_EMPTY,
 * FOLD_ONE_CLASS; SPEC_INVALID for a fitted fusion without training data
 */
export function makeSplits(spec: Spec, dataset: Labelled): Split[] {
  refuseUnknownGroups(spec, dataset);
  checkPlanSize(spec, dataset);
  const splits = split(spec.protocol, spec.seed, dataset);
  refuseUnfittable(spec, splits);
  return splits;
}

/**
 * Rejects grouped splitters if groups are unknown, because each recording would then count as its own group.
 * @throws CryfoldError GROUPS_UNKNOWN
 */
export function refuseUnknownGroups(
  { protocol: { splitter } }: Spec,
  { groupSource, groupHints = [] }: Pick<Labelled, 'groupSource' | 'groupHints'>,
): void {
  if (groupSource?.kind !== 'none' || !isGrouped(splitter)) return;
  const what = `${splitter} keeps groups together, but the groups of the recordings are not known`;
  throw new CryfoldError('GROUPS_UNKNOWN', [what, ...groupHints].join('\n  '), {
    context: { splitter },
    hint:
      'Pass --group-by folder or --group-by REGEX (for the path of a file), or --group-by recording if each recording ' +
      'comes from a different source; or list the files in a CSV manifest with the columns path,label,group; or keep equal ' +
      'sounds together with --group-duplicates. cryfold data inspect shows the groups of --group-by.',
  });
}

function split(protocol: Spec['protocol'], seed: number, { clips, classes }: Labelled, about?: string): Split[] {
  const { splitter, ...asked } = protocol;
  const predefined = clips.flatMap(({ fold }) => fold ?? []);
  const request = {
    ...asked,
    labels: Int32Array.from(clips, ({ label }) => classes.indexOf(label)),
    groups: clips.map(({ group }) => group),
    seed,
    ...(predefined.length === clips.length ? { predefined } : {}),
  };
  return usableSplits(splitterOf(splitter), request, about);
}

/**
 * Rejects a fitted fusion if some training clips are never tested. In each fold, the fusion learns from the predictions
 * that the other folds of the repeat made for the fold's training clips.
 */
function refuseUnfittable({ fusion, protocol }: Spec, splits: readonly Split[]): void {
  const fitted = Object.entries(fusion).find(([, { rule }]) => isFitted(rule));
  if (!fitted) return;
  const [name, { rule }] = fitted;
  const tested = new Map<number, Set<number>>();
  for (const { repeat, test } of splits) {
    const own = tested.get(repeat) ?? new Set();
    for (const clip of test) own.add(clip);
    tested.set(repeat, own);
  }
  const incomplete = splits.find(({ repeat, train }) => train.some((clip) => !tested.get(repeat)?.has(clip)));
  if (!incomplete) return;
  throw new CryfoldError(
    'SPEC_INVALID',
    `fusion.${name}.rule: ${rule} learns from predictions of training clips, and ${protocol.splitter} never tests some of them`,
    {
      context: { key: `fusion.${name}.rule`, splitter: protocol.splitter },
      hint: 'Use the rule mean, geometric or majority, or a splitter that tests every clip.',
    },
  );
}

/** Computes the folds of a spec's protocol, followed by the inner folds if the spec uses nested cross-validation. */
export function allSplits(spec: Spec, dataset: Labelled): PlannedSplit[] {
  const outer = makeSplits(spec, dataset);
  return [...outer, ...innerSplits(spec, dataset, outer)];
}

/**
 * Splits the training clips of each outer fold with the same splitter, so that inner folds keep groups together if
 * outer folds do.
 * @throws CryfoldError SPLIT_IMPOSSIBLE, FOLD_EMPTY, FOLD_ONE_CLASS
 */
export function innerSplits(spec: Spec, { classes, clips }: Labelled, outer: readonly Split[]): PlannedSplit[] {
  const folds = innerFoldsOf(spec);
  if (folds === undefined) return [];
  return outer.flatMap(({ repeat, fold, train }, o) => {
    const own = { classes, clips: Array.from(train, (clip) => clips[clip]) };
    const seed = deriveSeed(spec.seed, 'inner', o);
    const about = `inside repeat ${repeat} fold ${fold}: `;
    return split({ ...spec.protocol, folds, repeats: 1 }, seed, own, about).map((inner) => ({
      ...{ repeat, fold, outer: o, inner: inner.fold },
      train: inner.train.map((row) => train[row]),
      test: inner.test.map((row) => train[row]),
    }));
  });
}
