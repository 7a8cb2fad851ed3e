import { CryfoldError, DAMAGE_CODES, type ErrorCode, VERSION } from '@cryfold/core';
import type { Config } from '@cryfold/runtime';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { rememberGiven } from './command-text.js';
import { EXIT } from './exit-codes.js';
import { errorText, jsonText, say, typedRecord, warn } from './terminal.js';

/** Reads the settings from the environment when a command runs. @throws CryfoldError USAGE */
export const readConfig = async (environment: NodeJS.ProcessEnv = process.env): Promise<Config> => {
  const { loadConfig, useProxies } = await import('@cryfold/runtime');
  const config = loadConfig(environment);
  await useProxies(environment);
  return config;
};

/** Help text for an argument that names a run in the store. */
export const STORED_RUN =
  'run id or a prefix of it, "latest", or a protocol such as grouped (selects the latest such run)';

/** Help text for an argument that names a run; see `resolveRun` and `findRun`. */
export const RUN =
  'run id or a prefix of it, "latest", a protocol such as grouped or test-on (selects the latest such run), or a results folder';

/** Parses a whole number of at least `minimum`. */
export function whole(minimum: number) {
  return (text: string): number => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < minimum)
      throw new InvalidArgumentError(`expected a whole number of at least ${minimum}`);
    return value;
  };
}

/** Parses a non-negative number. */
export function fromZero(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0)) throw new InvalidArgumentError('expected a number of at least 0');
  return value;
}

/** Parses comma-separated names. */
export const list = (text: string): string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean);

/** Wraps a command so that the program exits with the command's exit code. */
export type ActionWrapper = <A extends unknown[]>(
  command: (...values: A) => Promise<number>,
) => (...values: A) => Promise<void>;

/** The program without commands: its description, and the options that all commands share. */
export function createProgram(): Command {
  return new Command('cryfold')
    .description('Cross-validates audio classifiers on small corpora, on one machine or a cluster.')
    .version(VERSION)
    .showHelpAfterError('(see --help)')
    .option(
      '--store <folder|url>',
      'where runs and models are stored: a folder or s3://BUCKET/PREFIX (default: ./cryfold)',
    )
    .option('--server <url>', 'run the command through the HTTP API of a coordinator (see docs/api.md)')
    .option('--no-color', 'disable colours (same as NO_COLOR=1); FORCE_COLOR=1 enables them')
    .configureHelp({ showGlobalOptions: true })
    .hook('preAction', (main) => applyGlobalFlags(main.opts()))
    .configureOutput({ writeOut: say, writeErr: warn })
    .exitOverride();
}

/** Runs the command line of a program with the commands that `add` adds, and returns its exit code. */
export async function runProgram(
  args: string[],
  add: (program: Command, wrap: ActionWrapper) => void,
): Promise<number> {
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
 * Options that all commands share. They take precedence over environment variables, and a store and a server cannot be
 * combined.
 */
interface GlobalFlags {
  store?: string;
  server?: string;
  color: boolean;
}

function applyGlobalFlags({ store, server, color }: GlobalFlags): void {
  if (!color) process.env.NO_COLOR = '1';
  if (store !== undefined && server !== undefined) {
    throw new CryfoldError('USAGE', '--store and --server cannot be combined, because a server has its own store', {
      hint: 'Omit one of these options.',
    });
  }
  rememberGiven({ store, server });
  if (server !== undefined) process.env.CRYFOLD_SERVER = server;
  if (store === undefined) return;
  process.env.CRYFOLD_STORE = store;
  process.env.CRYFOLD_SERVER = '';
}

/** Node's error codes for a process with too many open files. In this case, Node reports some modules as missing. */
const FEW_FILES = ['EMFILE', 'ERR_MODULE_NOT_FOUND'];

/** Prints an error: what is wrong, where, and what to do. */
function report(thrown: unknown, json: boolean): number {
  const { code = '' } = (thrown ?? {}) as NodeJS.ErrnoException;
  const error = FEW_FILES.includes(code) ? fewFiles(thrown) : thrown;
  if (!(error instanceof CryfoldError)) {
    warn(`cryfold: internal error: ${error instanceof Error ? error.stack : String(error)}\n`);
    return EXIT.failed;
  }
  if (json) say(`${jsonText({ error: typedRecord(error) })}\n`);
  warn(errorText(error));
  if (error.code === 'CANCELLED') return EXIT.cancelled;
  if (error.code === 'PROMOTION_LOST') return EXIT.lost;
  if (error.failure === 'usage') return EXIT.usage;
  return error.failure === 'input' && !PASSING.has(error.code) ? EXIT.input : EXIT.failed;
}

/** Codes of input errors that a retry may fix, because damaged artifacts are recomputed. */
const PASSING: ReadonlySet<ErrorCode> = new Set([...DAMAGE_CODES, 'DATA_CHANGED', 'RUN_FAILED']);

/** The error for too few file descriptors. Loading a command opens hundreds of files at the same time. */
function fewFiles(cause: unknown): CryfoldError {
  return new CryfoldError('USAGE', 'too many open files', {
    cause,
    hint: 'Raise the limit, for example with ulimit -n 1024.',
  });
}
