import { escapeControls } from '@cryfold/core';
import { type DestinationStream, type Logger, pino } from 'pino';
import { readableLine } from './log-text.js';

export type { Logger };

/** Libraries hang more on their errors: ioredis the failed command, AUTH with its password among them. */
function plainError(error: Error & { code?: unknown }) {
  const { name, message, code, stack } = error;
  return { type: name, message, code, stack };
}

export interface LogOptions {
  /** Short lines for people instead of JSON */
  readable?: boolean;
  /** Standard output by default */
  destination?: DestinationStream;
}

/** The log of one process; children carry run, trial, repeat, fold, attempt. One JSON object a line, unless `readable`. */
export function createLogger(role: string, level: string, options: LogOptions = {}): Logger {
  const { readable = false, destination = standardOutput() } = options;
  const settings = {
    level,
    serializers: { err: plainError },
    // pino escapes what JSON demands; messages may hold file names, and logs are read in terminals.
    hooks: { streamWrite: escapeControls },
    base: { role, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
  };
  const readably = { write: (line: string) => void destination.write(`${readableLine(line.trimEnd())}\n`) };
  return pino(settings, readable ? readably : destination);
}

/** Bytes of lines that wait while standard output cannot be written, such as a file on a full disk; more are dropped. */
const WAITING = 1 << 20;

/** Work is worth more than its log: a line that cannot be written ends nothing. */
function standardOutput(): DestinationStream {
  const stream = pino.destination({ dest: 1, sync: true, maxLength: WAITING });
  stream.on('error', () => {});
  return stream;
}
