import type { Spec, Splitter } from '@cryfold/core';
import {
  kFold,
  repeatedGroupKFold,
  repeatedKFold,
  repeatedStratifiedGroupKFold,
  repeatedStratifiedKFold,
  type Split,
  stratifiedKFold,
} from '@cryfold/evaluation';

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
 * @throws CryfoldError SPLIT_IMPOSSIBLE
 */
export function makeSplits({ protocol, seed }: Spec, dataset: Labelled): Split[] {
  const { clips, classes } = dataset;
  const labels = Int32Array.from(clips, ({ label }) => classes.indexOf(label));
  const groups = clips.map(({ group }) => group);
  const once = { splits: protocol.folds, shuffle: true, seed };
  const repeated = { splits: protocol.folds, repeats: protocol.repeats, seed };
  switch (protocol.splitter) {
    case 'KFold':
      return kFold(clips.length, once);
    case 'StratifiedKFold':
      return stratifiedKFold(labels, once);
    case 'RepeatedKFold':
      return repeatedKFold(clips.length, repeated);
    case 'RepeatedStratifiedKFold':
      return repeatedStratifiedKFold(labels, repeated);
    case 'GroupKFold':
      return repeatedGroupKFold(groups, repeated);
    case 'StratifiedGroupKFold':
      return repeatedStratifiedGroupKFold(labels, groups, repeated);
  }
}
