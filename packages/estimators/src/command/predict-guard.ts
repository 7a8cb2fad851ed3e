import { CryfoldError, type ErrorRecord } from '@cryfold/core';
import { programFolder, runProgram } from './program.js';
import { Reports } from './reports.js';

/** The program for the guard to run, once its folder is written. */
export interface ToGuard {
  program: readonly string[];
  threads: number;
  timeoutMinutes: number;
  memoryMb: number | undefined;
}

export type FromGuard =
  | { type: 'folder'; path: string }
  /** The process group of the program; undefined once it has ended */
  | { type: 'group'; id?: number | undefined }
  | { type: 'done' }
  | { type: 'failed'; error: ErrorRecord };

/**
 * Entry point of a process between a predicting process and the program of a model. It owns the program and its folder,
 * and removes both when its parent ends for any reason. If the guard itself is killed, its parent removes both.
 */
process.on('disconnect', () => process.exit(0));
// A terminal signals the whole group: the parent decides about the prediction.
for (const signal of ['SIGINT', 'SIGHUP', 'SIGTERM'] as const) process.on(signal, () => {});
if (!process.connected) process.exit(0);

const send = (message: FromGuard) => {
  if (process.connected) process.send?.(message);
};

const { path } = programFolder();

process.on('message', async ({ program, threads, timeoutMinutes, memoryMb }: ToGuard) => {
  try {
    await runProgram({
      ...{ program, folder: path, settings: { threads }, timeoutMinutes, memoryMb },
      reports: new Reports(),
      onGroup: (id) => send({ type: 'group', id }),
    });
    send({ type: 'done' });
  } catch (cause) {
    const error = cause instanceof CryfoldError ? cause : new CryfoldError('CHILD_DIED', String(cause));
    send({ type: 'failed', error: error.toRecord() });
  }
});

send({ type: 'folder', path });
