/**
 * Exit codes of every command; `same` and `worse` are of `cryfold compare` only, `unchanged`, `refused` and `lost` of
 * `cryfold retrain` (`lost` also of `cryfold models promote`). With `usage` and `input` the same command fails again, so that
 * a scheduler need not repeat it.
 */
export const EXIT = {
  ...{ done: 0, failed: 1, usage: 2, incomplete: 3, cancelled: 4, same: 5, worse: 6 },
  ...{ unchanged: 7, refused: 8, lost: 9, input: 10 },
} as const;

/** Whoever read standard output closed it, as a shell reports a command that SIGPIPE ended. */
export const OUTPUT_CLOSED = 141;
