import { CryfoldError, deriveSeed, type GroupSource } from '@cryfold/core';
import { isFitted, isGrouped, type Split, splitterOf, usableSplits } from '@cryfold/evaluation';
import { checkPlanSize, innerFoldsOf, type PlannedSplit, type Spec } from '@cryfold/plan';

/** What splitters look at: a dataset just read, or the manifest of one in the store. */
export interface Labelled {
  classes: string[];
  clips: readonly { label: string; group: string; fold?: string | undefined }[];
  /** How groups are known; absent from manifests of earlier versions */
  groupSource?: GroupSource | undefined;
  /** How they might be known where they are not, a sentence each */
  groupHints?: readonly string[];
}

/**
 * The folds of a spec's protocol, all shuffled by its seed. Each has a test clip, and training clips of two classes.
 * @throws CryfoldError PLAN_TOO_LARGE before any fold is made; GROUPS_UNKNOWN; SPLIT_IMPOSSIBLE, FOLD_EMPTY, FOLD_ONE_CLASS;
 * SPEC_INVALID for a fitted fusion that has nothing to learn from
 */
export function makeSplits(spec: Spec, dataset: Labelled): Split[] {
  refuseUnknownGroups(spec, dataset);
  checkPlanSize(spec, dataset);
  const splits = split(spec.protocol, spec.seed, dataset);
  refuseUnfittable(spec, splits);
  return splits;
}

/** A splitter that keeps groups together promises nothing where each recording counts as a group only for want of better. */
function refuseUnknownGroups({ protocol: { splitter } }: Spec, { groupSource, groupHints = [] }: Labelled): void {
  if (groupSource?.kind !== 'none' || !isGrouped(splitter)) return;
  const what = `${splitter} keeps groups together, but nothing says which recordings belong together`;
  throw new CryfoldError('GROUPS_UNKNOWN', [what, ...groupHints].join('\n  '), {
    context: { splitter },
    hint:
      'Pass --group-by folder or --group-by REGEX (on the path of a file), or --group-by recording if each recording ' +
      'is of another source; or list the files in a CSV path,label,group; or keep equal sounds together with ' +
      '--group-duplicates. cryfold data inspect shows the groups of --group-by.',
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

/** A fitted fusion learns from what the other folds of a repeat predicted for a fold's training clips. */
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
  const lacking = splits.find(({ repeat, train }) => train.some((clip) => !tested.get(repeat)?.has(clip)));
  if (!lacking) return;
  throw new CryfoldError(
    'SPEC_INVALID',
    `fusion.${name}.rule: ${rule} learns from predictions of training clips, and ${protocol.splitter} never tests some of them`,
    {
      context: { key: `fusion.${name}.rule`, splitter: protocol.splitter },
      hint: 'Use the rule mean, geometric or majority, or a splitter that tests every clip.',
    },
  );
}

/** The folds of a spec's protocol, and after them those inside each where it asks for nested cross-validation. */
export function allSplits(spec: Spec, dataset: Labelled): PlannedSplit[] {
  const outer = makeSplits(spec, dataset);
  return [...outer, ...innerSplits(spec, dataset, outer)];
}

/**
 * Each outer fold's training clips split again, by the same splitter: where the outer folds keep groups whole, so do
 * these.
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
