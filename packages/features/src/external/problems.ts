import { CryfoldError, type ErrorDetails } from '@cryfold/core';

/** The unit that has a vector: a clip or a recording. */
export interface VectorRow {
  id: string;
  /** Line in the file of ids, from 1 */
  line: number;
}

/** Error for unusable files of vectors. */
export function invalidVectors(
  message: string,
  hint: string,
  context: NonNullable<ErrorDetails['context']>,
  cause?: unknown,
): CryfoldError {
  return new CryfoldError('FEATURES_INVALID', message, { context, hint, cause });
}
