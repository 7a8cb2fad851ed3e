import { escapeControls } from '@cryfold/core';
import { type DestinationStream, type Logger, pino } from 'pino';

export type { Logger };

/** Libraries hang more on their errors: ioredis the failed command, AUTH with its password among them. */
function plainError(error: Error & { code?: unknown }) {
  const { name, message, code, stack } = error;
  return { type: name, message, code, stack };
}

/** JSON lines, on standard output unless told otherwise; children carry run, trial, repeat, fold, attempt. */
export function createLogger(role: string, level: string, destination?: DestinationStream): Logger {
  const options = {
    level,
    serializers: { err: plainError },
    // pino escapes what JSON demands; messages may hold file names, and logs are read in terminals.
    hooks: { streamWrite: escapeControls },
    base: { role, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
  };
  return pino(options, destination ?? standardOutput());
}

/** Bytes of lines that wait while standard output cannot be written, such as a file on a full disk; more are dropped. */
const WAITING = 1 << 20;

/** Work is worth more than its log: a line that cannot be written ends nothing. */
function standardOutput(): DestinationStream {
  const stream = pino.destination({ dest: 1, sync: true, maxLength: WAITING });
  stream.on('error', () => {});
  return stream;
}
