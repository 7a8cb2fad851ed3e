import { CryfoldError, type ErrorDetails } from '@cryfold/core';

/** What names the row of a vector: a clip or a recording. */
export interface VectorRow {
  id: string;
  /** In the file of ids, from 1 */
  line: number;
}

/** The error of files of vectors that cannot be used. */
export function invalidVectors(
  message: string,
  hint: string,
  context: NonNullable<ErrorDetails['context']>,
  cause?: unknown,
): CryfoldError {
  return new CryfoldError('FEATURES_INVALID', message, { context, hint, cause });
}
