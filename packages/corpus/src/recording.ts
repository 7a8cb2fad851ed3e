import type { CryfoldError } from '@cryfold/core';

/** A recording that a reader found: labelled, or with the reason why it cannot be. */
export type Recording = { file: string } & ({ label: string; group: string } | { error: CryfoldError });
