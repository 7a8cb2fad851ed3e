import type { CryfoldError } from '@cryfold/core';

/** Facts that a reader knows about a recording other than its sound. */
export interface Labels {
  label: string;
  group: string;
  /** The fold that tests it, otherwise empty; if the data has folds */
  fold?: string | undefined;
}

/** A recording found by a reader: labelled, or with the reason why it has no label. */
export type Recording = { file: string } & (Labels | { error: CryfoldError });
