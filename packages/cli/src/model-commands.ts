import { type Command, InvalidArgumentError, Option } from 'commander';
import { addDataOptions } from './data-options.js';
import { PREDICTION_FORMATS } from './prediction-formats.js';
import { type ActionWrapper, RUN, readConfig, whole } from './program.js';
import { MODEL_ORDERS, sortOption } from './sort-orders.js';

const positive = (text: string): number => {
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value))) throw new InvalidArgumentError('expected a number above 0');
  return value;
};

const share = (text: string): number => {
  const value = Number(text);
  if (text === '' || !(value >= 0 && value <= 1))
    throw new InvalidArgumentError('expected a number from 0 to 1, such as 0.05');
  return value;
};

/** Models may come from untrusted sources, so their programs need an explicit flag. */
const ALLOW_COMMANDS = [
  '--allow-commands',
  'run programs contained in the model with the permissions of this process: docs/security.md',
] as const;

const withJson = (command: Command): Command => command.option('--json', 'print JSON', false);

/** Adds `predict`. Its code is loaded only when it runs. */
export function addPredictCommand(program: Command, wrap: ActionWrapper): void {
  withJson(program.command('predict'))
    .description('Classify recordings with a final model, longer ones window by window.')
    .argument('<model>', 'NAME (its champion), NAME@VERSION, or the folder of a version')
    .argument('<paths...>', 'recordings, folders of recordings, or - for standard input')
    .addOption(
      new Option('--format <name>', 'table, csv (a row per window), jsonl (a line per recording) or json')
        .choices(PREDICTION_FORMATS)
        .default('table'),
    )
    .option('--out <file>', 'write predictions to this file (default: standard output)')
    .option('--problems <file>', 'write a CSV list of all files that could not be classified')
    .option('--hop <seconds>', 'seconds from one window to the next (default: the clip length)', positive)
    .option(...ALLOW_COMMANDS)
    .addHelpText('after', '\nExit codes: 0 all recordings classified, 1 some could not be classified, 2 usage')
    .action(
      wrap(async (model: string, paths: string[], { json, ...options }) => {
        const { predictCommand } = await import('./predict-command.js');
        return predictCommand(model, paths, json ? { ...options, format: 'json' } : options, await readConfig());
      }),
    );
}

/** Adds the commands that train, manage and use final models. */
export function addModelCommands(program: Command, wrap: ActionWrapper): void {
  addTrainFinal(program, wrap);
  addPredictCommand(program, wrap);
  addRetrain(program, wrap);
  addServe(program, wrap);
  addExport(program, wrap);
  addModels(program, wrap);
}

function addTrainFinal(program: Command, wrap: ActionWrapper): void {
  program
    .command('train-final')
    .description('Refit the model of a finished run on all data and save it as a new version with a model card.')
    .argument('<run>', RUN)
    .option('--name <name>', 'model name (default: the name of the spec)')
    .option('--of <name>', 'estimator or fusion of the run (default: its only fusion or estimator)')
    .option('--json', 'print the card as JSON', false)
    .option('--allow-commands', 'run programs of command estimators when training on this machine: docs/security.md')
    .action(
      wrap(async (run: string, options) => {
        const { trainFinalCommand } = await import('./train-final-command.js');
        return trainFinalCommand(run, options, await readConfig());
      }),
    );
}

function addRetrain(program: Command, wrap: ActionWrapper): void {
  addDataOptions(withJson(program.command('retrain')))
    .description(
      'Train a challenger on new data and promote it if it is significantly better than the champion. Suitable for cron.',
    )
    .argument('<spec>', 'YAML spec')
    .requiredOption('--data <path>', 'directory of recordings, or a CSV manifest path,label,group')
    .requiredOption('--model <name>', 'model to retrain')
    .option('--of <name>', 'estimator or fusion of the spec (default: its only fusion or estimator)')
    .option('--margin <share>', 'how much the recall of a class may drop', share, 0.05)
    .option(
      '--metric <name>',
      'metric that decides: accuracy, balancedAccuracy, macroF1 or logLoss (default: that of the spec, or accuracy)',
    )
    .option('--workers <n>', 'local worker processes (default: one per core)', whole(1))
    .option('--limit <n>', 'use only n clips, stratified by class', whole(1))
    .option(...ALLOW_COMMANDS)
    .option('--skip-bad', 'skip bad recordings', false)
    .option(
      '--problems <file>',
      'write a CSV list of all bad recordings (default: problems.csv in the store if there are many)',
    )
    .option('--allow-leak', 'continue even if grouped folds cannot keep equal sounds apart', false)
    .option(
      '--group-duplicates',
      'merge groups that share equal or overlapping sounds, so that no fold separates them',
      false,
    )
    .addHelpText(
      'after',
      `
The champion is tested on clips of the new data that it was not trained on, and compared with the challenger's
out-of-fold predictions of the same clips. If the new data contains 95 % of the champion's clips, a stand-in that is
trained on these clips in each fold is tested on all clips instead. If neither is possible, the challenger is refused
before training.

Exit codes: 0 promoted, 7 unchanged, 8 refused (not better, or not comparable: see "code" in --json),
9 another retraining finished first, 3 incomplete, 4 cancelled`,
    )
    .action(
      wrap(async (spec: string, options) => {
        const { retrainCommand } = await import('./retrain-command.js');
        return retrainCommand(spec, options, await readConfig(), process.env);
      }),
    );
}

function addServe(program: Command, wrap: ActionWrapper): void {
  program
    .command('serve')
    .description('Serve predictions over HTTP, with a page to upload or record sounds.')
    .requiredOption('--model <model>', 'NAME (follows its champion), NAME@VERSION, or the folder of a version')
    .option('--port <n>', 'port to listen on; 0 for any free port, shown in the log', whole(0), 8090)
    .option('--listen <address>', 'interface to listen on; 0.0.0.0 for all', '127.0.0.1')
    .option('--max-upload-mb <n>', 'maximum size of a request with all its files', positive, 20)
    .option('--timeout <seconds>', 'time limit for receiving a request, and for its prediction', positive, 30)
    .option('--poll <seconds>', 'interval between checks for a new champion', positive, 5)
    .option(...ALLOW_COMMANDS)
    .action(
      wrap(async ({ timeout, poll, ...options }) => {
        const { serveCommand } = await import('./serve-command.js');
        return serveCommand({ ...options, timeoutSeconds: timeout, pollSeconds: poll }, await readConfig());
      }),
    );
}

function addExport(program: Command, wrap: ActionWrapper): void {
  const exporting = program.command('export').description('Export runs and models to other tools.');
  withJson(exporting.command('mlflow'))
    .description('Export finished runs, their models and the final models to an MLflow tracking folder.')
    .argument('[runs...]', `${RUN} (default: all runs and all final models)`)
    .requiredOption('--to <dir>', 'tracking folder; overwrites runs that it already contains')
    .action(
      wrap(async (runs: string[], options) => {
        const { exportMlflowCommand } = await import('./export-mlflow.js');
        return exportMlflowCommand(runs, options, await readConfig());
      }),
    );
}

function addModels(program: Command, wrap: ActionWrapper): void {
  const models = program.command('models').description('List, show and promote versions of final models.');
  const load = () => import('./models-command.js');
  withJson(models.command('list'))
    .description('List all model versions in the store with date, dataset, score and cryfold version.')
    .addOption(sortOption(MODEL_ORDERS))
    .action(
      wrap(async (options) =>
        (await import('./models-list-command.js')).modelsListCommand(options, await readConfig()),
      ),
    );
  withJson(models.command('show'))
    .description('Show a model card. If only a NAME is given, show the card of its champion and the promotion history.')
    .argument('<model>', 'NAME or NAME@VERSION')
    .action(
      wrap(async (model: string, options) => (await load()).modelsShowCommand(model, options, await readConfig())),
    );
  withJson(models.command('promote'))
    .description('Promote a version to champion.')
    .argument('<model>', 'NAME@VERSION')
    .option('--reason <text>', 'reason to record in the history', 'by hand')
    .action(
      wrap(async (model: string, options) => (await load()).modelsPromoteCommand(model, options, await readConfig())),
    );
  withJson(models.command('rollback'))
    .description('Roll back to the previous champion.')
    .argument('<name>', 'model name')
    .option('--reason <text>', 'reason to record in the history', 'by hand')
    .action(
      wrap(async (name: string, options) => (await load()).modelsRollbackCommand(name, options, await readConfig())),
    );
}
