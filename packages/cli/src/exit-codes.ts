/** Exit codes of every command; `same` and `worse` are of `cryfold compare` only. */
export const EXIT = { done: 0, failed: 1, usage: 2, incomplete: 3, cancelled: 4, same: 5, worse: 6 } as const;
