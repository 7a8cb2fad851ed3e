import { type Command, InvalidArgumentError } from 'commander';
import { type Does, readConfig } from './program.js';
import { addScheduleCommands } from './schedule-program.js';
import { RUN_ORDERS, sortOption } from './sort-orders.js';

const NAMED = 'id of a run, its beginning, latest, or a protocol such as grouped';

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
  const status = () => import('./status-commands.js');
  const change = () => import('./change-commands.js');
  const command = (name: string, description: string) =>
    program.command(name).description(description).option('--json', 'print JSON', false);
  command('list', 'List all runs of the store: state, date, dataset, protocol, score and version of cryfold.')
    .addOption(sortOption(RUN_ORDERS))
    .action(does(async (options) => (await import('./list-command.js')).listCommand(options, await readConfig())));
  command('status', 'Show the queues and unfinished runs, or one run: what is done, running and failed.')
    .argument('[run]', `${NAMED}; the exit code is then 0 complete or running, 3 incomplete or stopped, 4 cancelled`)
    .action(
      does(async (run: string | undefined, options) =>
        (await status()).statusCommand(run, options, await readConfig()),
      ),
    );
  command('cancel', 'Stop a run everywhere within seconds; finished folds are kept.')
    .argument('<run>', NAMED)
    .action(does(async (run: string, options) => (await change()).cancelCommand(run, options, await readConfig())));
  addScheduleCommands(command, does);
  command('retry', 'Try the failed folds of a run again, or continue one that was stopped or cancelled.')
    .argument('<run>', NAMED)
    .option('--workers <n>', 'local worker processes (default: one per core)', count)
    .option('--out <dir>', 'a folder that gets copies of the results and the report')
    .option('--force', 'replace the results of another run in --out', false)
    .action(
      does(async (run: string, options) =>
        (await change()).retryCommand(run, options, await readConfig(), process.env),
      ),
    );
  command('extend', 'Evaluate a run with more repeats, as a new run; only the new folds are trained.')
    .argument('<run>', NAMED)
    .requiredOption('--repeats <n>', 'repeats in all', count)
    .option('--workers <n>', 'local worker processes (default: one per core)', count)
    .option('--out <dir>', 'a folder that gets copies of the results and the report')
    .option('--force', 'replace the results of another run in --out', false)
    .action(
      does(async (run: string, options) =>
        (await change()).extendCommand(run, options, await readConfig(), process.env),
      ),
    );
  command('logs', 'Show what was said during failed attempts, and which attempt was committed.')
    .argument('<run>', NAMED)
    .argument('[fold]', 'TRIAL/REPEAT/FOLD, or the beginning of a fold key')
    .action(
      does(async (run: string, fold: string | undefined, options) => {
        const { logsCommand } = await import('./logs-command.js');
        return logsCommand(run, fold, options, await readConfig());
      }),
    );
  command('gc', 'Find what no run and no model refers to; deletes nothing without --delete.')
    .option('--delete', 'delete it', false)
    .option('--older-than <hours>', 'leave what is younger', atLeast(0), 24)
    .action(
      does(async ({ olderThan, ...options }) => {
        const { gcCommand } = await import('./gc-command.js');
        return gcCommand({ ...options, olderThanHours: olderThan }, await readConfig());
      }),
    );
}
