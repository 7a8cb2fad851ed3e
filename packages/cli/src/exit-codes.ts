/**
 * Exit codes of all commands. Only `cryfold compare` uses `same` and `worse`. Only `cryfold retrain` uses `unchanged`
 * and `refused`. Only `cryfold retrain` and `cryfold models promote` use `lost`. After `usage` or `input`, rerunning
 * the same command would fail again, so a scheduler need not retry it.
 */
export const EXIT = {
  ...{ done: 0, failed: 1, usage: 2, incomplete: 3, cancelled: 4, same: 5, worse: 6 },
  ...{ unchanged: 7, refused: 8, lost: 9, input: 10 },
} as const;

/** Standard output was closed by its reader. A shell reports the same code after SIGPIPE. */
export const OUTPUT_CLOSED = 141;
