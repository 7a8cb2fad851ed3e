import type { Command } from 'commander';
import { addDataOptions } from './data-options.js';
import { priorityOption } from './priority-option.js';
import { type ActionWrapper, fromZero, list, readConfig, whole } from './program.js';
import { addSetupCommands } from './setup-program.js';
import { addSweepCommands } from './sweep-commands.js';

/** Adds the commands that evaluate a spec: `run`, `plan`, `sweep` and `demo`; and `setup`. */
export function addRunCommands(program: Command, wrap: ActionWrapper): void {
  const run = addRunOptions(program.command('run')).action(
    wrap(async (spec: string | undefined, options) => {
      const { runProtocols } = await import('./protocols.js');
      return runProtocols({ ...options, ...(spec === undefined ? {} : { spec }) }, await readConfig(), process.env);
    }),
  );
  addSweepCommands(program, run.options, wrap);
  addSetupCommands(program, run.options, wrap);
}

/** Adds the arguments and options of `run`. */
function addRunOptions(run: Command) {
  return addDataOptions(run)
    .description(
      'Evaluate a spec (default: specs/paper.yaml) on recordings, and print the results in the format of the paper’s Table II.',
    )
    .argument('[spec]', 'path of a YAML spec')
    .requiredOption('--data <path>', 'directory of recordings, or a CSV manifest with the columns path,label,group')
    .option('--out <dir>', 'copy the results and the report to this folder')
    .option('--force', 'overwrite the results of another run in the --out folder', false)
    .option('--repeats <n>', 'number of cross-validation repeats', whole(1))
    .option('--folds <n>', 'number of folds per repeat', whole(2))
    .option(
      '--estimators <names>',
      'comma-separated names of the estimators to evaluate (default: all estimators in the spec)',
      list,
    )
    .option('--epochs <n>', 'number of training epochs for neural networks', whole(1))
    .option('--weights <path>', 'initial weights for networks with a backbone: a Keras notop .h5 file, or "random"')
    .option('--limit <n>', 'use only a random sample of n clips, stratified by class', whole(1))
    .option('--seed <n>', 'random seed for the splits and the training', whole(0))
    .option('--workers <n>', 'number of local worker processes (default: one per core)', whole(1))
    .addOption(priorityOption())
    .option('--max-parallel <n>', 'maximum number of folds that train at the same time', whole(1))
    .option('--skip-bad', 'skip bad recordings and list them', false)
    .option(
      '--problems <file>',
      'CSV file in which to list all bad recordings (default: problems.csv in --out or the store, but only if there are many)',
    )
    .option(
      '--protocol <names>',
      'comma-separated protocols: paper (80:20 split and random folds), grouped, logo (leave one group out), predefined',
      list,
    )
    .option(
      '--test-on <path>',
      'also train on all of --data and test on this second corpus, which must have the same classes',
    )
    .option(
      '--metric <metric>',
      'main metric, which also selects the winner of a sweep: accuracy, balancedAccuracy, macroF1 or logLoss (default: the metric in the spec, otherwise accuracy)',
    )
    .option('--null <n>', 'also train each estimator n times on shuffled labels, as a baseline', whole(0))
    .option(
      '--allow-leak',
      'continue even if grouped folds leak, for example because the same sound is in both a training and a test set',
      false,
    )
    .option(
      '--group-duplicates',
      'merge groups that contain the same or overlapping sounds, so that they are always in the same fold',
      false,
    )
    .option(
      '--confirm-above <hours>',
      'ask for confirmation if the run would take longer than this many hours (only in a terminal)',
      fromZero,
      2,
    )
    .option('-y, --yes', 'do not ask for confirmation', false)
    .option('--ui [port]', 'serve a web page that shows the progress of a local run, and print its link', whole(1))
    .option('--json', 'print the results as JSON, and do not show the progress', false);
}
