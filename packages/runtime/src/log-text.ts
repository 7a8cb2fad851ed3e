import { escapeControls } from '@cryfold/core';

/** pino's numeric levels. Stored logs of folds contain the names of levels instead of these numbers. */
const LEVELS: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
};

/**
 * Fields to leave out, because they are the same in every line of a process, or because they are long and not helpful.
 */
const LEFT_OUT = new Set(['time', 'level', 'msg', 'role', 'pid', 'run', 'trial', 'repeat', 'fold', 'err']);

interface LoggedError {
  type?: unknown;
  message?: unknown;
  code?: unknown;
  stack?: unknown;
}

/**
 * Formats a log line for people: `2026-11-27 07:46:29.123Z info fold trained svm/0/0 seconds=3.21`. Any other line,
 * such as output that a training child wrote to standard error, is returned unchanged.
 * @param line text without the line break
 * @param omit additional fields to leave out
 */
export function readableLine(line: string, omit: readonly string[] = []): string {
  const record = recordOf(line);
  if (!record) return line;
  const { time, level, msg, trial, repeat, fold, err } = record;
  const place = trial === undefined ? [] : [[trial, repeat, fold].join('/')];
  const fields = Object.entries(record)
    .filter(([name]) => !LEFT_OUT.has(name) && !omit.includes(name))
    .map(([name, value]) => `${name}=${valueText(value)}`);
  const name = LEVELS[Number(level)] ?? String(level);
  const head = [String(time).replace('T', ' '), name.padEnd(5), msg].join(' ');
  const text = [head, [...place, ...fields].join(' ')].filter(Boolean).join('  ');
  // A name that contains a line break must not be able to forge a log line.
  return escapeControls(`${text}${errorText(err)}`).replace(/\r?\n|\r/g, '\n    ');
}

/** Formats the lines of a log with `readableLine`. */
export const readableLog = (log: string, omit?: readonly string[]): string =>
  log
    .split('\n')
    .map((line) => readableLine(line, omit))
    .join('\n');

function recordOf(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const found = JSON.parse(line);
    return 'msg' in found && 'time' in found && 'level' in found ? found : undefined;
  } catch {
    return undefined;
  }
}

function valueText(value: unknown): string {
  if (typeof value === 'number') return Number.isInteger(value) ? `${value}` : `${Number(value.toPrecision(4))}`;
  return typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : (JSON.stringify(value) ?? '');
}

/** The message of a coded error is sufficient; for any other error, the stack is needed. */
function errorText(err: unknown): string {
  if (typeof err !== 'object' || err === null) return '';
  const { type, message, code, stack } = err as LoggedError;
  if (code === undefined && typeof stack === 'string') return `\n${stack}`;
  return `: ${code ?? type}: ${message}`;
}
