import { type Command, InvalidArgumentError } from 'commander';
import { type ActionWrapper, readConfig, STORED_RUN } from './program.js';
import { addScheduleCommands } from './schedule-program.js';
import { RUN_ORDERS, sortOption } from './sort-orders.js';

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
    program.command(name).description(description).option('--json', 'print the output as JSON', false);
  command('list', 'List all runs in the store with their state, date, dataset, protocol, score and cryfold version.')
    .addOption(sortOption(RUN_ORDERS))
    .action(wrap(async (options) => (await import('./list-command.js')).listCommand(options, await readConfig())));
  command('status', 'Show the queues, workers and unfinished runs, or the progress and failures of one run.')
    .argument(
      '[run]',
      `${STORED_RUN}; the exit code is 0 if the run is complete or running, 3 if it is incomplete or stopped, and 4 if it was cancelled`,
    )
    .action(
      wrap(async (run: string | undefined, options) =>
        (await status()).statusCommand(run, options, await readConfig()),
      ),
    );
  command('cancel', 'Cancel a run. It stops within seconds, and its finished folds are kept.')
    .argument('<run>', STORED_RUN)
    .action(wrap(async (run: string, options) => (await change()).cancelCommand(run, options, await readConfig())));
  addScheduleCommands(command, wrap);
  addContinueCommands(command, wrap);
  command(
    'logs',
    'Show the logs of failed attempts. If a fold is given, also show the log of the attempt that produced its result.',
  )
    .argument('<run>', STORED_RUN)
    .argument('[fold]', 'fold, specified as TRIAL/REPEAT/FOLD or by a prefix of its key')
    .action(
      wrap(async (run: string, fold: string | undefined, options) => {
        const { logsCommand } = await import('./logs-command.js');
        return logsCommand(run, fold, options, await readConfig());
      }),
    );
  command('gc', 'List the objects in the store that no run or model refers to, or delete them with --delete.')
    .option('--delete', 'delete the listed objects', false)
    .option('--older-than <hours>', 'keep objects that are younger than this many hours', atLeast(0), 24)
    .action(
      wrap(async ({ olderThan, ...options }) => {
        const { gcCommand } = await import('./gc-command.js');
        return gcCommand({ ...options, olderThanHours: olderThan }, await readConfig());
      }),
    );
}

/** Adds the commands that train more folds of a stored run. */
function addContinueCommands(command: (name: string, description: string) => Command, wrap: ActionWrapper): void {
  const change = () => import('./change-commands.js');
  const withOptions = (added: Command) =>
    added
      .option('--workers <n>', 'number of local worker processes (default: one per core)', count)
      .option('--out <dir>', 'copy the results and the report to this folder')
      .option('--force', 'overwrite the results of another run in the --out folder', false);
  withOptions(
    command('retry', 'Retry the failed folds of a run, or continue a stopped or cancelled run.').argument(
      '<run>',
      STORED_RUN,
    ),
  ).action(
    wrap(async (run: string, options) => (await change()).retryCommand(run, options, await readConfig(), process.env)),
  );
  withOptions(
    command(
      'extend',
      'Extend a run with more repeats of the cross-validation, as a new run. Only the additional folds are trained.',
    )
      .argument('<run>', STORED_RUN)
      .requiredOption('--repeats <n>', 'total number of repeats, including the existing ones', count),
  ).action(
    wrap(async (run: string, options) => (await change()).extendCommand(run, options, await readConfig(), process.env)),
  );
}
