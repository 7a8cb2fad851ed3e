/** Exit codes of every command. */
export const EXIT = { done: 0, failed: 1, usage: 2, incomplete: 3, cancelled: 4 } as const;
