import { type CryfoldError, type ErrorRecord, escapeControls, printable } from '@cryfold/core';
import { asTyped } from './command-text.js';

/** Control characters to keep: line breaks, tabs, and the colours of @cryfold/report's `paint`. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: matching them is the purpose
const OURS = /(\n|\t|\u001b\[(?:[012]|31|33)m)/;

/**
 * Prints to standard output. All output of commands goes through this function or `warn`. Names of files, classes and
 * runs, and messages of other programs, may contain terminal control sequences, which are replaced by U+FFFD.
 */
export function say(text: string): void {
  process.stdout.write(safe(text));
}

/** Like `say`, but writes to standard error. */
export function warn(text: string): void {
  process.stderr.write(safe(text));
}

export function safe(text: string): string {
  return text
    .split(OURS)
    .map((part, i) => (i % 2 === 1 ? part : printable(part)))
    .join('');
}

/** JSON with escaped control characters, which is safe to show on a terminal and parses to the same value. */
export function jsonText(value: unknown, indent?: number): string {
  return escapeControls(JSON.stringify(value, undefined, indent));
}

/** An error in a few lines: what is wrong, where, and what to do. */
export function errorText({ code, message, hint }: CryfoldError): string {
  return messageText(`cryfold: ${code}: ${message}${hint ? `\n${hint}` : ''}`);
}

/** An error for `--json`, with the commands in its hint as the user would type them. */
export function typedRecord(error: CryfoldError): ErrorRecord {
  const record = error.toRecord();
  return record.hint === undefined ? record : { ...record, hint: asTyped(record.hint) };
}

/**
 * Adds a line break to a message, and shows its commands as the user would type them. Indents all lines except the
 * first, so that a line break in a name cannot fake another message.
 */
export function messageText(text: string): string {
  return `${asTyped(text.trimEnd()).replace(/\n\s*/g, '\n  ')}\n`;
}

/**
 * Whether to colour standard output: yes if it is a terminal or FORCE_COLOR is set, and no if NO_COLOR is set (which
 * --no-color does). An empty variable counts as unset; FORCE_COLOR=0 acts like NO_COLOR.
 */
export function colors({ NO_COLOR, FORCE_COLOR }: NodeJS.ProcessEnv = process.env): boolean {
  if (NO_COLOR) return false;
  if (FORCE_COLOR) return FORCE_COLOR !== '0' && FORCE_COLOR !== 'false';
  return process.stdout.isTTY === true && process.env.TERM !== 'dumb';
}
