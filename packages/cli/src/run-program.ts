import type { Command } from 'commander';
import { addDataOptions } from './data-options.js';
import { priorityOption } from './priority-option.js';
import { type Does, fromZero, list, readConfig, whole } from './program.js';
import { addSweepCommands } from './sweep-commands.js';

/** Adds what evaluates a spec: `run`, `plan` and `sweep`. */
export function addRunCommands(program: Command, does: Does): void {
  const run = addDataOptions(program.command('run'))
    .description('Evaluate a spec (default: specs/paper.yaml) on recordings, and print Table II.')
    .argument('[spec]', 'YAML spec')
    .requiredOption('--data <path>', 'directory of WAV files, or a CSV manifest path,label,group')
    .option('--out <dir>', 'a folder that gets copies of the results and the report')
    .option('--force', 'replace the results of another run in --out', false)
    .option('--repeats <n>', 'repeats of the cross-validation', whole(1))
    .option('--folds <n>', 'folds of one repeat', whole(2))
    .option('--estimators <names>', 'only these of the spec, comma-separated', list)
    .option('--epochs <n>', 'epochs of the networks', whole(1))
    .option('--weights <path>', 'Keras notop .h5 for networks with a backbone, or "random"')
    .option('--limit <n>', 'only n clips, stratified by class', whole(1))
    .option('--seed <n>', 'seed of splits and training', whole(0))
    .option('--workers <n>', 'local worker processes (default: one per core)', whole(1))
    .addOption(priorityOption())
    .option('--max-parallel <n>', 'most folds that train at once', whole(1))
    .option('--skip-bad', 'leave bad recordings out, and list them', false)
    .option('--problems <file>', 'list all bad recordings there, as CSV (default: problems.csv in --out if many)')
    .option(
      '--protocol <names>',
      'one or several: paper (its 80:20 split and its random folds), grouped, logo, predefined',
      list,
    )
    .option(
      '--test-on <path>',
      'also train on all of --data and test on this corpus of the same classes, in the same report',
    )
    .option(
      '--metric <metric>',
      'what models are compared and headlined by, and a sweep chooses by: accuracy, balancedAccuracy, macroF1 or logLoss (default: the spec’s, else accuracy)',
    )
    .option('--null <n>', 'also train every estimator n times on shuffled labels, as a baseline', whole(0))
    .option('--allow-leak', 'go on where grouped folds cannot keep equal sounds apart', false)
    .option(
      '--group-duplicates',
      'join the groups of equal or overlapping sounds, so that no fold separates them',
      false,
    )
    .option('--confirm-above <hours>', 'on a terminal, ask before what would take longer', fromZero, 2)
    .option('-y, --yes', 'do not ask', false)
    .option('--ui [port]', 'serve the live page of a local run, and print a link to it with its token', whole(1))
    .option('--json', 'print the results as JSON, and no progress', false)
    .action(
      does(async (spec: string | undefined, options) => {
        const { runProtocols } = await import('./protocols.js');
        return runProtocols({ ...options, ...(spec === undefined ? {} : { spec }) }, await readConfig(), process.env);
      }),
    );

  addSweepCommands(program, run.options, does);
}
