import type { CryfoldError } from '@cryfold/core';

/** What a reader knows of a recording besides its sound. */
export interface Labels {
  label: string;
  group: string;
  /** The fold that tests it, empty for none; where the data names it */
  fold?: string | undefined;
}

/** A recording that a reader found: labelled, or with the reason why it cannot be. */
export type Recording = { file: string } & (Labels | { error: CryfoldError });
