import { loadConfig } from '@cryfold/runtime';
import { type Command, InvalidArgumentError } from 'commander';
import { cancelCommand, extendCommand, retryCommand } from './change-commands.js';
import { DEFAULT_OUT } from './find-run.js';
import { gcCommand } from './gc-command.js';
import { logsCommand } from './logs-command.js';
import type { Does } from './program.js';
import { listCommand, statusCommand } from './status-commands.js';

function atLeast(minimum: number) {
  return (text: string): number => {
    const value = Number(text);
    if (!(value >= minimum)) throw new InvalidArgumentError(`a number from ${minimum} on`);
    return value;
  };
}

const count = (text: string): number => {
  const value = atLeast(1)(text);
  if (!Number.isInteger(value)) throw new InvalidArgumentError('a whole number');
  return value;
};

/** Adds what looks at runs and changes them, from any machine that reaches the store. */
export function addControlCommands(program: Command, does: Does): void {
  const command = (name: string, description: string) =>
    program
      .command(name)
      .description(description)
      .option('--out <dir>', 'the --out of a local run (where CRYFOLD_STORE is not set)', DEFAULT_OUT)
      .option('--json', 'print JSON', false);
  command('list', 'List all runs of the store.').action(does((options) => listCommand(options, loadConfig())));
  command('status', 'Show the queues and unfinished runs, or one run: what is done, running and failed.')
    .argument('[run]', 'id of a run; the exit code is then 0 complete or running, 3 incomplete or stopped, 4 cancelled')
    .action(does((run: string | undefined, options) => statusCommand(run, options, loadConfig())));
  command('cancel', 'Stop a run everywhere within seconds; finished folds are kept.')
    .argument('<run>', 'id of a run')
    .action(does((run: string, options) => cancelCommand(run, options, loadConfig())));
  command('retry', 'Try the failed folds of a run again, or go on with one that was stopped or cancelled.')
    .argument('<run>', 'id of a run')
    .option('--workers <n>', 'local worker processes (default: one per core)', count)
    .action(does((run: string, options) => retryCommand(run, options, loadConfig(), process.env)));
  command('extend', 'Evaluate a run with more repeats, as a new run; only the new folds are trained.')
    .argument('<run>', 'id of a run')
    .requiredOption('--repeats <n>', 'repeats in all', count)
    .option('--workers <n>', 'local worker processes (default: one per core)', count)
    .action(does((run: string, options) => extendCommand(run, options, loadConfig(), process.env)));
  command('logs', 'Show what was said during failed attempts, and which attempt was committed.')
    .argument('<run>', 'id of a run')
    .argument('[fold]', 'TRIAL/REPEAT/FOLD, or the beginning of a fold key')
    .action(does((run: string, fold: string | undefined, options) => logsCommand(run, fold, options, loadConfig())));
  command('gc', 'Find what no run and no model refers to; deletes nothing unless told to.')
    .option('--delete', 'delete it', false)
    .option('--older-than <hours>', 'leave what is younger', atLeast(0), 24)
    .action(does((options) => gcCommand(options, loadConfig())));
}
