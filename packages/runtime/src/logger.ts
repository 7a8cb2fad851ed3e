import { type Logger, pino } from 'pino';

export type { Logger };

/** JSON lines on standard output; children carry run, trial, repeat, fold, attempt. */
export function createLogger(role: string, level: string): Logger {
  return pino({ level, base: { role, pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime });
}
