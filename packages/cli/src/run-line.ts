import type { RunStatus } from '@cryfold/run-control';

/** The state of a run, or `paused`. */
export function shownState({ state, scheduling }: RunStatus): string {
  return scheduling?.paused && state === 'running' ? 'paused' : state;
}

/** Formats the number of folds, such as `3/5 folds, 1 failed`. */
export function countsText({ done, total, failed }: RunStatus): string {
  return `${done}/${total} folds${failed > 0 ? `, ${failed} failed` : ''}`;
}

/** One line about a run: its progress, or why it cannot be read. */
export function runLine(status: RunStatus): string {
  const { run, damage } = status;
  const what = damage ? `${damage.code}: ${damage.message}` : countsText(status);
  return `${run.padEnd(32)}  ${shownState(status).padEnd(10)}  ${what}`;
}
