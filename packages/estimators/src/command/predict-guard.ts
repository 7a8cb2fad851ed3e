import { CryfoldError, type ErrorRecord } from '@cryfold/core';
import { programFolder, runProgram } from './program.js';
import { Reports } from './reports.js';

/** The program that the guard runs once the program's folder has been written. */
export interface ToGuard {
  program: readonly string[];
  threads: number;
  timeoutMinutes: number;
  memoryMb: number | undefined;
}

export type FromGuard =
  | { type: 'folder'; path: string }
  /** The process group of the program; undefined once the program has exited */
  | { type: 'group'; id?: number | undefined }
  | { type: 'done' }
  | { type: 'failed'; error: ErrorRecord };

/**
 * Entry point of a process that runs a model's program on behalf of its parent, which is a predicting process. When the
 * parent exits for any reason, the guard kills the program and removes its folder. If the guard itself is killed, the
 * parent does both.
 */
process.on('disconnect', () => process.exit(0));
// A terminal sends signals to the whole group; the parent decides what happens to the prediction.
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
