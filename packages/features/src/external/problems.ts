import { CryfoldError, type ErrorDetails } from '@cryfold/core';

/** The clip or recording that a vector belongs to. */
export interface VectorRow {
  id: string;
  /** Line in the file of ids, starting at 1 */
  line: number;
}

/** Creates the error for a vector file that cannot be used. */
export function invalidVectors(
  message: string,
  hint: string,
  context: NonNullable<ErrorDetails['context']>,
  cause?: unknown,
): CryfoldError {
  return new CryfoldError('FEATURES_INVALID', message, { context, hint, cause });
}
