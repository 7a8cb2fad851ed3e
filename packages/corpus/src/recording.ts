import type { CryfoldError } from '@cryfold/core';

/** What a reader knows about a recording besides its sound. */
export interface Labels {
  label: string;
  group: string;
  /** The fold that tests it, otherwise empty; only if the data assigns folds */
  fold?: string | undefined;
}

/** A recording that a reader found, with its label or the reason why it has no label. */
export type Recording = { file: string } & (Labels | { error: CryfoldError });
