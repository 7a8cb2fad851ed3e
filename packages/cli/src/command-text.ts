import { basename, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isBelow } from '@cryfold/core';

/** What the present command was given, as far as another command needs it too. */
export interface Given {
  /** `--store` as it was typed */
  store?: string | undefined;
  /** `--server` as it was typed */
  server?: string | undefined;
}

const CHECKOUT = fileURLToPath(new URL('../../../../', import.meta.url));

/** Names of commands in messages; other words after `cryfold` are prose. */
const COMMAND =
  /(?<![\w/.-])(?:npx )?cryfold (?=(?:aggregator|cancel|compare|coordinator|data (?:audit|inspect|synth)|doctor|export|extend|fuse|gc|list|logs|models|pause|plan|predict|report|resume|retrain|retry|run|schedule|serve|status|sweep|train-final|weights (?:fetch|put)|worker)\b)/g;

let given: Given = {};

/** Keeps the flags that every later `asTyped` repeats. Called once, before a command runs. */
export function rememberGiven(flags: Given): void {
  given = flags;
}

/**
 * A text whose commands work when they are pasted: each gets the program's name as the user typed it, and the `--store` or
 * `--server` that the present command was given. Nothing is added where the defaults apply. The flags come before the
 * command's name, so that no one needs to know where a command in a sentence ends.
 * @param store `--store` of the commands, where they need another one than the present command was given
 */
export function asTyped(text: string, store: string | undefined = given.store): string {
  const flags = [
    ...(store === undefined ? [] : ['--store', store]),
    ...(given.server === undefined ? [] : ['--server', given.server]),
  ];
  return text.replace(COMMAND, () => `${[programName(), ...flags].map(quoted).join(' ')} `);
}

/** A word for a shell. The program's name may be several. */
export function quoted(word: string, index: number): string {
  return index === 0 || /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** How this program was started: by npx, by its name on PATH, or as a script of a checkout. */
function programName(): string {
  const [, script = 'cryfold'] = process.argv;
  if (process.env.npm_lifecycle_event === 'npx') return 'npx cryfold';
  if (basename(script) !== 'cryfold.js') return 'cryfold';
  // Inside a checkout npx finds it.
  return isBelow(process.cwd(), CHECKOUT) ? 'npx cryfold' : `node ${quoted(shortPath(script), 1)}`;
}

/** A path as a user here would type it: relative below the working folder, else absolute. */
export function shortPath(path: string): string {
  return isBelow(path, process.cwd()) ? relative(process.cwd(), path) || '.' : path;
}
