import type { Command } from 'commander';
import { addDataOptions } from './data-options.js';
import { priorityOption } from './priority-option.js';
import { type ActionWrapper, fromZero, list, readConfig, whole } from './program.js';
import { addSetupCommands } from './setup-program.js';
import { addSweepCommands } from './sweep-commands.js';

/** Adds the commands that evaluate a spec: `run`, `plan`, `sweep` and `demo`; and `setup`. */
export function addRunCommands(program: Command, wrap: ActionWrapper): void {
  const run = addDataOptions(program.command('run'))
    .description('Evaluate a spec (default: specs/paper.yaml) on recordings and print Table II.')
    .argument('[spec]', 'YAML spec')
    .requiredOption('--data <path>', 'directory of recordings, or a CSV manifest path,label,group')
    .option('--out <dir>', 'copy results and report to this folder')
    .option('--force', 'overwrite results of another run in --out', false)
    .option('--repeats <n>', 'number of repeats of the cross-validation', whole(1))
    .option('--folds <n>', 'number of folds per repeat', whole(2))
    .option('--estimators <names>', 'evaluate only these estimators of the spec, comma-separated', list)
    .option('--epochs <n>', 'number of training epochs of networks', whole(1))
    .option('--weights <path>', 'Keras notop .h5 for networks with a backbone, or "random"')
    .option('--limit <n>', 'use only n clips, stratified by class', whole(1))
    .option('--seed <n>', 'seed of splits and training', whole(0))
    .option('--workers <n>', 'local worker processes (default: one per core)', whole(1))
    .addOption(priorityOption())
    .option('--max-parallel <n>', 'maximum number of folds that train at the same time', whole(1))
    .option('--skip-bad', 'skip bad recordings, and list them', false)
    .option(
      '--problems <file>',
      'write a CSV list of all bad recordings (default: problems.csv in --out or the store if there are many)',
    )
    .option(
      '--protocol <names>',
      'one or more of paper (80:20 split and random folds), grouped, logo, predefined',
      list,
    )
    .option('--test-on <path>', 'also train on all of --data and test on this corpus with the same classes')
    .option(
      '--metric <metric>',
      'main metric, which also selects the winner of a sweep: accuracy, balancedAccuracy, macroF1 or logLoss (default: that of the spec, or accuracy)',
    )
    .option('--null <n>', 'also train each estimator n times on shuffled labels, as a baseline', whole(0))
    .option('--allow-leak', 'continue even if grouped folds cannot keep equal sounds apart', false)
    .option(
      '--group-duplicates',
      'merge groups that share equal or overlapping sounds, so that no fold separates them',
      false,
    )
    .option(
      '--confirm-above <hours>',
      'ask for confirmation if the run would take longer (terminals only)',
      fromZero,
      2,
    )
    .option('-y, --yes', 'do not ask for confirmation', false)
    .option('--ui [port]', 'serve a live page of a local run and print its link', whole(1))
    .option('--json', 'print the results as JSON, without progress', false)
    .action(
      wrap(async (spec: string | undefined, options) => {
        const { runProtocols } = await import('./protocols.js');
        return runProtocols({ ...options, ...(spec === undefined ? {} : { spec }) }, await readConfig(), process.env);
      }),
    );

  addSweepCommands(program, run.options, wrap);
  addSetupCommands(program, run.options, wrap);
}
