import { basename, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isBelow } from '@cryfold/core';

/** Global flags of the current command, which suggested commands need as well. */
export interface Given {
  /** `--store` as typed */
  store?: string | undefined;
  /** `--server` as typed */
  server?: string | undefined;
}

const CHECKOUT = fileURLToPath(new URL('../../../../', import.meta.url));

/** Command names in messages. Text in which `cryfold` is followed by any other word is not a command. */
const COMMAND =
  /(?<![\w/.-])(?:npx )?cryfold (?=(?:aggregator|cancel|compare|coordinator|data (?:audit|inspect|synth)|demo|doctor|export|extend|fuse|gc|list|logs|models|pause|plan|predict|report|resume|retrain|retry|run|schedule|serve|setup|status|sweep|train-final|weights (?:fetch|put)|worker)\b)/g;

let given: Given = {};

/** Stores the flags that `asTyped` adds to commands. Called once, before a command runs. */
export function rememberGiven(flags: Given): void {
  given = flags;
}

/**
 * Makes the commands in a text work when pasted: each gets the program name as the user typed it and the `--store` or
 * `--server` of the current command. Adds nothing if the defaults apply. The flags come before the name of the command,
 * because it is not known where in a sentence the command ends.
 * @param store value of `--store` for the commands, if it differs from the store of the current command
 */
export function asTyped(text: string, store: string | undefined = given.store): string {
  const flags = [
    ...(store === undefined ? [] : ['--store', store]),
    ...(given.server === undefined ? [] : ['--server', given.server]),
  ];
  return text.replace(COMMAND, () => `${[programName(), ...flags].map(quoted).join(' ')} `);
}

/**
 * Quotes a word of a command for a shell. Leaves the first word unquoted, because the name of the program may consist
 * of several words.
 */
export function quoted(word: string, index: number): string {
  return index === 0 || /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** How this program was started: with npx, by its name on the PATH, or as a script in a checkout. */
function programName(): string {
  const [, script = 'cryfold'] = process.argv;
  if (process.env.npm_lifecycle_event === 'npx') return 'npx cryfold';
  if (basename(script) !== 'cryfold.js') return 'cryfold';
  // Inside a checkout, npx finds the program.
  return isBelow(process.cwd(), CHECKOUT) ? 'npx cryfold' : `node ${quoted(shortPath(script), 1)}`;
}

/** Shortens a path for display: relative if inside the working folder, otherwise absolute. */
export function shortPath(path: string): string {
  return isBelow(path, process.cwd()) ? relative(process.cwd(), path) || '.' : path;
}
