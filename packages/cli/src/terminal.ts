import { type CryfoldError, type ErrorRecord, escapeControls, printable } from '@cryfold/core';
import { asTyped } from './command-text.js';

/** What may pass besides text: line ends, tabs, and the colours of @cryfold/report's `paint`. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const OURS = /(\n|\t|\u001b\[(?:[012]|31|33)m)/;

/**
 * Everything that the commands print goes through here or `warn`. Names of files, classes and runs, and messages of
 * others, may hold commands for the terminal: those come out as U+FFFD.
 */
export function say(text: string): void {
  process.stdout.write(safe(text));
}

/** As `say`, to standard error. */
export function warn(text: string): void {
  process.stderr.write(safe(text));
}

export function safe(text: string): string {
  return text
    .split(OURS)
    .map((part, i) => (i % 2 === 1 ? part : printable(part)))
    .join('');
}

/** JSON whose strings a terminal shows as they are, and a program reads as they were. */
export function jsonText(value: unknown, indent?: number): string {
  return escapeControls(JSON.stringify(value, undefined, indent));
}

/** An error in a few lines: what, where, what to do. */
export function errorText({ code, message, hint }: CryfoldError): string {
  return messageText(`cryfold: ${code}: ${message}${hint ? `\n${hint}` : ''}`);
}

/** An error for `--json`, its hint as a user here would type it. */
export function typedRecord(error: CryfoldError): ErrorRecord {
  const record = error.toRecord();
  return record.hint === undefined ? record : { ...record, hint: asTyped(record.hint) };
}

/** A message and a line end, its commands as a user here would type them. Its further lines are indented: a line end in a name cannot begin what looks like another message. */
export function messageText(text: string): string {
  return `${asTyped(text.trimEnd()).replace(/\n\s*/g, '\n  ')}\n`;
}

/**
 * Whether standard output gets colours: on a terminal, unless NO_COLOR is set (as --no-color does), or where FORCE_COLOR
 * asks for them. An empty variable counts as unset; FORCE_COLOR=0 as NO_COLOR.
 */
export function colors({ NO_COLOR, FORCE_COLOR }: NodeJS.ProcessEnv = process.env): boolean {
  if (NO_COLOR) return false;
  if (FORCE_COLOR) return FORCE_COLOR !== '0' && FORCE_COLOR !== 'false';
  return process.stdout.isTTY === true && process.env.TERM !== 'dumb';
}
