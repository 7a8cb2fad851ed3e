import { CryfoldError, DAMAGE_CODES, type ErrorCode, VERSION } from '@cryfold/core';
import type { Config } from '@cryfold/runtime';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { rememberGiven } from './command-text.js';
import { EXIT } from './exit-codes.js';
import { errorText, jsonText, say, typedRecord, warn } from './terminal.js';

/** The settings of the environment, as a command finds them when it runs. @throws CryfoldError USAGE */
export const readConfig = async (environment: NodeJS.ProcessEnv = process.env): Promise<Config> => {
  const { loadConfig, useProxies } = await import('@cryfold/runtime');
  const config = loadConfig(environment);
  await useProxies(environment);
  return config;
};

/** Help for an argument that names a run: see `resolveRun` and `findRun`. */
export const RUN =
  'id of a run, its beginning, latest, a protocol such as grouped or test-on, or a folder with results';

/** A whole number from `minimum` on. */
export function whole(minimum: number) {
  return (text: string): number => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < minimum)
      throw new InvalidArgumentError(`a whole number from ${minimum} on`);
    return value;
  };
}

/** A number from 0 on. */
export function fromZero(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0)) throw new InvalidArgumentError('a number from 0 on');
  return value;
}

/** Names between commas. */
export const list = (text: string): string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean);

/** Makes a command's exit code the program's. */
export type Does = <A extends unknown[]>(command: (...values: A) => Promise<number>) => (...values: A) => Promise<void>;

/** The program without commands: its description and the options that all commands share. */
export function createProgram(): Command {
  return new Command('cryfold')
    .description('Evaluates small-corpus audio classifiers by cross-validation, as a cluster job.')
    .version(VERSION)
    .showHelpAfterError('(see --help)')
    .option('--store <folder|url>', 'where runs and models are: a folder or s3://BUCKET/PREFIX (default: ./cryfold)')
    .option('--server <url>', 'look at and change runs through a coordinator’s API: docs/api.md')
    .option('--no-color', 'print no colours; NO_COLOR=1 does the same, FORCE_COLOR=1 the opposite')
    .configureHelp({ showGlobalOptions: true })
    .hook('preAction', (main) => applyGlobalFlags(main.opts()))
    .configureOutput({ writeOut: say, writeErr: warn })
    .exitOverride();
}

/** Runs the command line of a program with the commands that `add` gives it, and answers its exit code. */
export async function runProgram(args: string[], add: (program: Command, does: Does) => void): Promise<number> {
  let exitCode: number = EXIT.done;
  const program = createProgram();
  add(program, (command) => async (...values) => {
    exitCode = await command(...values);
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    return report(error, args.includes('--json'));
  }
}

/**
 * Flags that have a variable win over it.
 * @throws CryfoldError USAGE where both a store and a server are given
 */
interface GlobalFlags {
  store?: string;
  server?: string;
  color: boolean;
}

function applyGlobalFlags({ store, server, color }: GlobalFlags): void {
  if (!color) process.env.NO_COLOR = '1';
  if (store !== undefined && server !== undefined) {
    throw new CryfoldError('USAGE', '--store and --server are given: a server has its own store', {
      hint: 'Leave one of them out.',
    });
  }
  rememberGiven({ store, server });
  if (server !== undefined) process.env.CRYFOLD_SERVER = server;
  if (store === undefined) return;
  process.env.CRYFOLD_STORE = store;
  process.env.CRYFOLD_SERVER = '';
}

/** What Node throws when a process may not open enough files; it reports some modules as missing. */
const FEW_FILES = ['EMFILE', 'ERR_MODULE_NOT_FOUND'];

/** Prints an error in plain words: what, where, what to do. */
function report(thrown: unknown, json: boolean): number {
  const { code = '' } = (thrown ?? {}) as NodeJS.ErrnoException;
  const error = FEW_FILES.includes(code) ? fewFiles(thrown) : thrown;
  if (!(error instanceof CryfoldError)) {
    warn(`cryfold: a defect of cryfold: ${error instanceof Error ? error.stack : String(error)}\n`);
    return EXIT.failed;
  }
  if (json) say(`${jsonText({ error: typedRecord(error) })}\n`);
  warn(errorText(error));
  if (error.code === 'CANCELLED') return EXIT.cancelled;
  if (error.code === 'PROMOTION_LOST') return EXIT.lost;
  if (error.failure === 'usage') return EXIT.usage;
  return error.failure === 'input' && !PASSING.has(error.code) ? EXIT.input : EXIT.failed;
}

/** Codes of bad input that a second try may not meet: damaged artifacts are computed again. */
const PASSING: ReadonlySet<ErrorCode> = new Set([...DAMAGE_CODES, 'DATA_CHANGED', 'RUN_FAILED']);

/** Loading a command opens hundreds of files at once. */
function fewFiles(cause: unknown): CryfoldError {
  return new CryfoldError('USAGE', 'this process may not open enough files', {
    cause,
    hint: 'Raise its limit, such as with ulimit -n 1024.',
  });
}
