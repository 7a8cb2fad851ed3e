import { type Command, InvalidArgumentError } from 'commander';
import { type ActionWrapper, readConfig } from './program.js';
import { addScheduleCommands } from './schedule-program.js';
import { RUN_ORDERS, sortOption } from './sort-orders.js';

const NAMED = 'run id or a prefix of it, "latest", or a protocol such as grouped';

function atLeast(minimum: number) {
  return (text: string): number => {
    const value = Number(text);
    if (!(value >= minimum)) throw new InvalidArgumentError(`expected a number of at least ${minimum}`);
    return value;
  };
}

const count = (text: string): number => {
  const value = atLeast(1)(text);
  if (!Number.isInteger(value)) throw new InvalidArgumentError('expected a whole number');
  return value;
};

/** Adds the commands that inspect and change runs, from any machine that can access the store. */
export function addControlCommands(program: Command, wrap: ActionWrapper): void {
  const status = () => import('./status-commands.js');
  const change = () => import('./change-commands.js');
  const command = (name: string, description: string) =>
    program.command(name).description(description).option('--json', 'print JSON', false);
  command('list', 'List all runs in the store with state, date, dataset, protocol, score and cryfold version.')
    .addOption(sortOption(RUN_ORDERS))
    .action(wrap(async (options) => (await import('./list-command.js')).listCommand(options, await readConfig())));
  command('status', 'Show queues, workers and unfinished runs, or the progress and failures of one run.')
    .argument('[run]', `${NAMED}; exit code: 0 complete or running, 3 incomplete or stopped, 4 cancelled`)
    .action(
      wrap(async (run: string | undefined, options) =>
        (await status()).statusCommand(run, options, await readConfig()),
      ),
    );
  command('cancel', 'Cancel a run within seconds. Finished folds are kept.')
    .argument('<run>', NAMED)
    .action(wrap(async (run: string, options) => (await change()).cancelCommand(run, options, await readConfig())));
  addScheduleCommands(command, wrap);
  command('retry', 'Retry the failed folds of a run, or continue a stopped or cancelled run.')
    .argument('<run>', NAMED)
    .option('--workers <n>', 'local worker processes (default: one per core)', count)
    .option('--out <dir>', 'copy results and report to this folder')
    .option('--force', 'overwrite results of another run in --out', false)
    .action(
      wrap(async (run: string, options) =>
        (await change()).retryCommand(run, options, await readConfig(), process.env),
      ),
    );
  command('extend', 'Evaluate a run with more repeats, as a new run. Only the new folds are trained.')
    .argument('<run>', NAMED)
    .requiredOption('--repeats <n>', 'total number of repeats', count)
    .option('--workers <n>', 'local worker processes (default: one per core)', count)
    .option('--out <dir>', 'copy results and report to this folder')
    .option('--force', 'overwrite results of another run in --out', false)
    .action(
      wrap(async (run: string, options) =>
        (await change()).extendCommand(run, options, await readConfig(), process.env),
      ),
    );
  command('logs', 'Show the logs of failed attempts. If a fold is given, also show its committed attempt.')
    .argument('<run>', NAMED)
    .argument('[fold]', 'TRIAL/REPEAT/FOLD, or a prefix of a fold key')
    .action(
      wrap(async (run: string, fold: string | undefined, options) => {
        const { logsCommand } = await import('./logs-command.js');
        return logsCommand(run, fold, options, await readConfig());
      }),
    );
  command('gc', 'List objects in the store that no run or model refers to; --delete removes them.')
    .option('--delete', 'delete the listed objects', false)
    .option('--older-than <hours>', 'keep objects younger than this', atLeast(0), 24)
    .action(
      wrap(async ({ olderThan, ...options }) => {
        const { gcCommand } = await import('./gc-command.js');
        return gcCommand({ ...options, olderThanHours: olderThan }, await readConfig());
      }),
    );
}
