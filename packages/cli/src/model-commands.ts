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
  'allow programs contained in the model to run with the permissions of this process (see docs/security.md)',
] as const;

const withJson = (command: Command): Command => command.option('--json', 'print the output as JSON', false);

/** Adds `predict`. The code of the command is loaded only when it runs. */
export function addPredictCommand(program: Command, wrap: ActionWrapper): void {
  withJson(program.command('predict'))
    .description(
      'Classify recordings with a final model. Recordings longer than a clip are classified window by window.',
    )
    .argument('<model>', 'NAME (uses its champion), NAME@VERSION, or the folder of a model version')
    .argument('<paths...>', 'recordings, folders of recordings, or - for standard input')
    .addOption(
      new Option('--format <name>', 'format: table, csv (one row per window), jsonl (one line per recording) or json')
        .choices(PREDICTION_FORMATS)
        .default('table'),
    )
    .option('--out <file>', 'write the predictions to this file (default: standard output)')
    .option('--problems <file>', 'CSV file in which to list all files that could not be classified')
    .option('--hop <seconds>', 'seconds between the starts of consecutive windows (default: the clip length)', positive)
    .option(...ALLOW_COMMANDS)
    .addHelpText('after', '\nExit codes: 0 all recordings classified, 1 some could not be classified, 2 usage error')
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
    .description(
      'Refit a model from a finished run on all data of this run, and save it as a new model version with a model card.',
    )
    .argument('<run>', RUN)
    .option('--name <name>', 'name of the model (default: the name of the spec)')
    .option('--of <name>', 'estimator or fusion to train (default: the only fusion or estimator of the run)')
    .option('--json', 'print the model card as JSON', false)
    .option(
      '--allow-commands',
      'allow command estimators to run their programs when they are trained on this machine (see docs/security.md)',
    )
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
      'Train a challenger on new data and promote it if it is significantly better than the champion. Suitable for cron jobs.',
    )
    .argument('<spec>', 'path of a YAML spec')
    .requiredOption('--data <path>', 'directory of recordings, or a CSV manifest with the columns path,label,group')
    .requiredOption('--model <name>', 'name of the model to retrain')
    .option('--of <name>', 'estimator or fusion to train (default: the only fusion or estimator of the spec)')
    .option('--margin <share>', 'largest allowed drop in the recall of any class', share, 0.05)
    .option(
      '--metric <name>',
      'metric by which the challenger is compared with the champion: accuracy, balancedAccuracy, macroF1 or logLoss (default: the metric in the spec, otherwise accuracy)',
    )
    .option('--workers <n>', 'number of local worker processes (default: one per core)', whole(1))
    .option('--limit <n>', 'use only a random sample of n clips, stratified by class', whole(1))
    .option(...ALLOW_COMMANDS)
    .option('--skip-bad', 'skip bad recordings', false)
    .option(
      '--problems <file>',
      'CSV file in which to list all bad recordings (default: problems.csv in the store, but only if there are many)',
    )
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
    .addHelpText(
      'after',
      `
The champion is tested on the clips of the new data that it was not trained on, and its predictions are compared with
the challenger's out-of-fold predictions for the same clips. If the new data contains at least 95 % of the champion's
clips, a stand-in for the champion, which is trained on these clips in each fold, is tested on all clips instead. If
neither is possible, the challenger is refused before training.

Exit codes: 0 promoted, 7 data and spec unchanged, 8 refused (not better, or not comparable: see "code" in the --json
output), 9 another command promoted a version first, 3 incomplete, 4 cancelled`,
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
    .description('Serve predictions over HTTP, with a web page for uploading or recording sounds.')
    .requiredOption(
      '--model <model>',
      'NAME (always uses the current champion), NAME@VERSION, or the folder of a model version',
    )
    .option('--port <n>', 'port to listen on; 0 selects a free port, which is shown in the log', whole(0), 8090)
    .option(
      '--listen <address>',
      'address of the interface to listen on; 0.0.0.0 listens on all interfaces',
      '127.0.0.1',
    )
    .option('--max-upload-mb <n>', 'maximum size of a request, including all its files, in MB', positive, 20)
    .option(
      '--timeout <seconds>',
      'time limit in seconds, which applies separately to receiving a request and to making its predictions',
      positive,
      30,
    )
    .option('--poll <seconds>', 'seconds between checks for a new champion', positive, 5)
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
    .description('Export finished runs and their models, and all final models, to an MLflow tracking folder.')
    .argument('[runs...]', `${RUN} (default: export all runs and all final models)`)
    .requiredOption('--to <dir>', 'MLflow tracking folder; runs that it already contains are overwritten')
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
    .description('List all model versions in the store with their date, dataset, score and cryfold version.')
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
    .description('Make a model version the champion.')
    .argument('<model>', 'NAME@VERSION')
    .option('--reason <text>', 'reason to record in the promotion history', 'by hand')
    .action(
      wrap(async (model: string, options) => (await load()).modelsPromoteCommand(model, options, await readConfig())),
    );
  withJson(models.command('rollback'))
    .description('Roll back a model to its previous champion.')
    .argument('<name>', 'name of the model')
    .option('--reason <text>', 'reason to record in the promotion history', 'by hand')
    .action(
      wrap(async (name: string, options) => (await load()).modelsRollbackCommand(name, options, await readConfig())),
    );
}
