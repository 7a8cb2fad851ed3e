import { escapeControls } from '@cryfold/core';
import { type DestinationStream, type Logger, pino } from 'pino';
import { readableLine } from './log-text.js';

export type { Logger };

/**
 * Only known properties of errors are logged, because libraries attach others. For example, ioredis adds the failed
 * command, which may be AUTH with its password.
 */
function plainError(error: Error & { code?: unknown }) {
  const { name, message, code, stack } = error;
  return { type: name, message, code, stack };
}

export interface LogOptions {
  /** Write short human-readable lines instead of JSON */
  readable?: boolean;
  /** Default: standard output */
  destination?: DestinationStream;
}

/**
 * The log of one process; child loggers add run, trial, repeat, fold and attempt. Writes one JSON object per line,
 * unless `readable` is set.
 */
export function createLogger(role: string, level: string, options: LogOptions = {}): Logger {
  const { readable = false, destination = standardOutput() } = options;
  const settings = {
    level,
    serializers: { err: plainError },
    // pino only escapes what JSON requires, but messages may contain file names, and people read logs in terminals.
    hooks: { streamWrite: escapeControls },
    base: { role, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
  };
  const readably = { write: (line: string) => void destination.write(`${readableLine(line.trimEnd())}\n`) };
  return pino(settings, readable ? readably : destination);
}

/**
 * Maximum bytes of lines to keep while standard output is not writable, for example on a full disk. Further lines are
 * dropped.
 */
const WAITING = 1 << 20;

/** A failed write never stops the process, because its work is more important than its log. */
function standardOutput(): DestinationStream {
  const stream = pino.destination({ dest: 1, sync: true, maxLength: WAITING });
  stream.on('error', () => {});
  return stream;
}
