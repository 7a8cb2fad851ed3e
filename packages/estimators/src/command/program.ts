import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CryfoldError, escapeControls } from '@cryfold/core';
import type { EngineSettings } from '../engine.js';
import { programEnvironment } from './environment.js';
import { type GroupEnd, ProcessGroup } from './process-group.js';
import type { Reports } from './reports.js';

export interface ProgramRun {
  /** The program and its arguments */
  program: readonly string[];
  /** Its working directory */
  folder: string;
  settings: EngineSettings;
  timeoutMinutes: number;
  /** Maximum resident memory of the program and its children in MiB; default: as in the settings */
  memoryMb?: number | undefined;
  reports: Reports;
  /** Called with the number of the program's process group, and with undefined once the program has exited */
  onGroup?: ((id: number | undefined) => void) | undefined;
}

/**
 * Runs a program until it exits. No process of its process group outlives the program or this process.
 * @returns peak resident memory, MiB; 0 if it cannot be measured
 * @throws CryfoldError COMMAND_NOT_FOUND, COMMAND_FAILED, COMMAND_TIMEOUT, OUT_OF_MEMORY
 */
export async function runProgram(run: ProgramRun): Promise<number> {
  const { program, folder, settings, reports, onGroup } = run;
  const memoryMb = run.memoryMb ?? settings.maxMemoryMb ?? Number.POSITIVE_INFINITY;
  const group = new ProcessGroup(program, {
    folder,
    environment: programEnvironment(process.env, folder, settings),
    timeoutMs: run.timeoutMinutes * 60_000,
    memoryMb,
    onLine: (line) => reports.take(line),
    onError: (text) => reports.log(text),
  });
  // Handles the case in which this process exits first, for example because its worker has stopped. If this process is
  // killed, its worker kills the group.
  const kill = () => group.kill();
  onGroup?.(group.id);
  process.prependOnceListener('exit', kill);
  const end = await group
    .end()
    .catch((cause) => {
      throw notStarted(program, cause);
    })
    .finally(() => {
      process.off('exit', kill);
      onGroup?.(undefined);
    });
  checkEnd(end, { ...run, memoryMb });
  return end.peakMb;
}

/** Creates a temporary folder for programs. It is removed when this process exits, if not earlier. */
export function programFolder(): { path: string; remove: () => void } {
  // If this process is killed, its parent removes folders with this prefix; see BoundedChild.
  const token = process.env.CRYFOLD_CHILD ?? process.pid.toString(16).padStart(16, '0');
  const path = mkdtempSync(join(tmpdir(), `cryfold-command-${token}-`));
  const remove = () => {
    process.off('exit', remove);
    // Retries, since a process that was just killed may still create files.
    rmSync(path, { recursive: true, force: true, maxRetries: 3 });
  };
  process.once('exit', remove);
  return { path, remove };
}

function notStarted([name]: readonly string[], cause: NodeJS.ErrnoException): CryfoldError {
  const why = cause.code === 'ENOENT' ? 'the program does not exist on this machine' : cause.message;
  return new CryfoldError('COMMAND_NOT_FOUND', `${name}: ${why}`, {
    cause,
    context: { program: name },
    hint: 'Install the program on every machine that runs it, or correct the command (run or predict) in the spec. To run a file that is listed in the spec, write ./NAME.',
  });
}

function checkEnd({ code, signal, ended, peakMb }: GroupEnd, run: ProgramRun & { memoryMb: number }): void {
  const { timeoutMinutes, memoryMb, reports } = run;
  const program = run.program.join(' ');
  if (ended === 'timeout') {
    throw new CryfoldError('COMMAND_TIMEOUT', `${program}: still running after ${timeoutMinutes} minutes`, {
      context: { program, timeoutMinutes },
      hint: 'Raise the estimator’s timeoutMinutes, or make its program faster. Finished folds are kept.',
    });
  }
  if (ended === 'memory' || signal === 'SIGKILL') {
    const why = ended
      ? `used ${peakMb.toFixed(0)} MiB of memory; the limit is ${memoryMb} MiB`
      : 'was killed (SIGKILL), most likely because the machine ran out of memory';
    throw new CryfoldError('OUT_OF_MEMORY', `${program}: ${why}`, {
      context: { program },
      hint: 'Raise the estimator’s memoryMb, run fewer training processes on this machine, or reduce the memory use of the program.',
    });
  }
  if (code === 0) return;
  const how = signal ? `was killed by ${signal}` : `exited with code ${code}`;
  const last = escapeControls(reports.tail.trim().split('\n').at(-1) ?? '').slice(0, 300);
  throw new CryfoldError('COMMAND_FAILED', `${program}: ${how}${last && `: ${last}`}`, {
    context: { program, ...(code === null ? {} : { code }) },
    hint: 'The log contains all output of the program. To show the log of a fold, use cryfold logs RUN.',
  });
}
