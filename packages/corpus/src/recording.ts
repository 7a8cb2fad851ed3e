import type { CryfoldError } from '@cryfold/core';

/** What a reader finds out about a recording besides its sound. */
export interface Labels {
  label: string;
  group: string;
  /** The fold in which the recording is tested, or an empty string; only present if the data assigns folds */
  fold?: string | undefined;
}

/** A recording that a reader found, with its label or the reason why it has no label. */
export type Recording = { file: string } & (Labels | { error: CryfoldError });
