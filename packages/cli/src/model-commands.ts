import { type Command, InvalidArgumentError, Option } from 'commander';
import { addDataOptions } from './data-options.js';
import { PREDICTION_FORMATS } from './prediction-formats.js';
import { type Does, RUN, readConfig, whole } from './program.js';
import { MODEL_ORDERS, sortOption } from './sort-orders.js';

const positive = (text: string): number => {
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value))) throw new InvalidArgumentError('a number above 0');
  return value;
};

const share = (text: string): number => {
  const value = Number(text);
  if (text === '' || !(value >= 0 && value <= 1)) throw new InvalidArgumentError('a number from 0 to 1, such as 0.05');
  return value;
};

/** A model may come from anywhere. */
const ALLOW_COMMANDS = [
  '--allow-commands',
  'run programs that the model holds, as the user of this process: docs/security.md',
] as const;

const withJson = (command: Command): Command => command.option('--json', 'print JSON', false);

/** Adds `predict`; what it runs is loaded when it runs. */
export function addPredictCommand(program: Command, does: Does): void {
  withJson(program.command('predict'))
    .description('Classify recordings with a final model: clips, or longer ones window by window.')
    .argument('<model>', 'NAME (its champion), NAME@VERSION, or the folder of a version')
    .argument('<paths...>', 'recordings, folders of recordings, or - for standard input')
    .addOption(
      new Option('--format <name>', 'table, csv (a row per window), jsonl (a line per recording) or json')
        .choices(PREDICTION_FORMATS)
        .default('table'),
    )
    .option('--out <file>', 'write there instead of to standard output')
    .option('--problems <file>', 'list all files that were not classified there, as CSV')
    .option('--hop <seconds>', 'from one window to the next (default: a clip’s length)', positive)
    .option(...ALLOW_COMMANDS)
    .addHelpText('after', '\nExit codes: 0 all recordings classified, 1 some were not (the others were), 2 usage')
    .action(
      does(async (model: string, paths: string[], { json, ...options }) => {
        const { predictCommand } = await import('./predict-command.js');
        return predictCommand(model, paths, json ? { ...options, format: 'json' } : options, await readConfig());
      }),
    );
}

/** Adds what makes, keeps and uses final models. */
export function addModelCommands(program: Command, does: Does): void {
  addTrainFinal(program, does);
  addPredictCommand(program, does);
  addRetrain(program, does);
  addServe(program, does);
  addExport(program, does);
  addModels(program, does);
}

function addTrainFinal(program: Command, does: Does): void {
  program
    .command('train-final')
    .description('Refit a finished run’s model on all data, and write it as a version with a model card.')
    .argument('<run>', RUN)
    .option('--name <name>', 'of the model (default: the spec’s)')
    .option('--of <name>', 'which estimator or fusion of the run (default: its only fusion or estimator)')
    .option('--json', 'print the card as JSON', false)
    .option('--allow-commands', 'run programs that the run names, where it is trained here: docs/security.md')
    .action(
      does(async (run: string, options) => {
        const { trainFinalCommand } = await import('./train-final-command.js');
        return trainFinalCommand(run, options, await readConfig());
      }),
    );
}

function addRetrain(program: Command, does: Does): void {
  addDataOptions(withJson(program.command('retrain')))
    .description('Evaluate a spec on new data against the champion, and promote it if it is really better: for cron.')
    .argument('<spec>', 'YAML spec')
    .requiredOption('--data <path>', 'directory of WAV files, or a CSV manifest path,label,group')
    .requiredOption('--model <name>', 'whose champion is challenged')
    .option('--of <name>', 'which estimator or fusion of the spec (default: its only fusion or estimator)')
    .option('--margin <share>', 'how much a class’s recall may fall', share, 0.05)
    .option(
      '--metric <name>',
      'what decides: accuracy, balancedAccuracy, macroF1 or logLoss (default: that of the spec, else accuracy)',
    )
    .option('--workers <n>', 'local worker processes (default: one per core)', whole(1))
    .option('--limit <n>', 'only n clips, stratified by class', whole(1))
    .option(...ALLOW_COMMANDS)
    .option('--skip-bad', 'leave bad recordings out', false)
    .option('--problems <file>', 'list all bad recordings there, as CSV (default: problems.csv in --out if many)')
    .option('--allow-leak', 'go on where grouped folds cannot keep equal sounds apart', false)
    .option(
      '--group-duplicates',
      'join the groups of equal or overlapping sounds, so that no fold separates them',
      false,
    )
    .addHelpText(
      'after',
      `
The stored champion is tested on the clips of the new data that it does not know, against the challenger's out-of-fold
predictions of the same clips. Where the new data has 95 % of the champion's clips, a stand-in, trained on those in each
fold, takes its place on all clips. Where neither can be tested, the challenger is refused before anything is trained.

Exit codes: 0 promoted, 7 unchanged, 8 refused (not better, or nothing can be said: see "code" in --json),
9 another retraining was first, 3 incomplete, 4 cancelled`,
    )
    .action(
      does(async (spec: string, options) => {
        const { retrainCommand } = await import('./retrain-command.js');
        return retrainCommand(spec, options, await readConfig(), process.env);
      }),
    );
}

function addServe(program: Command, does: Does): void {
  program
    .command('serve')
    .description('Serve predictions over HTTP, with a page to drop or record a cry.')
    .requiredOption('--model <model>', 'NAME (its champion is followed), NAME@VERSION, or the folder of a version')
    .option('--port <n>', '0: any free one, which the log names', whole(0), 8090)
    .option('--listen <address>', 'interface to listen on; 0.0.0.0 for all', '127.0.0.1')
    .option('--max-upload-mb <n>', 'size of one request, all its files together', positive, 20)
    .option('--timeout <seconds>', 'for a request to arrive, and for its prediction once that begins', positive, 30)
    .option('--poll <seconds>', 'between looks at who is champion', positive, 5)
    .option(...ALLOW_COMMANDS)
    .action(
      does(async ({ timeout, poll, ...options }) => {
        const { serveCommand } = await import('./serve-command.js');
        return serveCommand({ ...options, timeoutSeconds: timeout, pollSeconds: poll }, await readConfig());
      }),
    );
}

function addExport(program: Command, does: Does): void {
  const exporting = program.command('export').description('Hand runs and models to other tools.');
  withJson(exporting.command('mlflow'))
    .description('Write finished runs, their models and the final models as an MLflow tracking folder.')
    .argument('[runs...]', `each ${RUN} (default: all, and all final models)`)
    .requiredOption('--to <dir>', 'the tracking folder; runs that are in it already are overwritten')
    .action(
      does(async (runs: string[], options) => {
        const { exportMlflowCommand } = await import('./export-mlflow.js');
        return exportMlflowCommand(runs, options, await readConfig());
      }),
    );
}

function addModels(program: Command, does: Does): void {
  const models = program.command('models').description('Versions of final models, and which of them is the champion.');
  const load = () => import('./models-command.js');
  withJson(models.command('list'))
    .description('List all models and versions of the store: date, dataset, score and version of cryfold.')
    .addOption(sortOption(MODEL_ORDERS))
    .action(
      does(async (options) =>
        (await import('./models-list-command.js')).modelsListCommand(options, await readConfig()),
      ),
    );
  withJson(models.command('show'))
    .description('Show a model card; of a NAME the champion’s, and the history of promotions.')
    .argument('<model>', 'NAME or NAME@VERSION')
    .action(
      does(async (model: string, options) => (await load()).modelsShowCommand(model, options, await readConfig())),
    );
  withJson(models.command('promote'))
    .description('Make a version the champion.')
    .argument('<model>', 'NAME@VERSION')
    .option('--reason <text>', 'kept in the history', 'by hand')
    .action(
      does(async (model: string, options) => (await load()).modelsPromoteCommand(model, options, await readConfig())),
    );
  withJson(models.command('rollback'))
    .description('Make the champion before the present one champion again.')
    .argument('<name>', 'of the model')
    .option('--reason <text>', 'kept in the history', 'by hand')
    .action(
      does(async (name: string, options) => (await load()).modelsRollbackCommand(name, options, await readConfig())),
    );
}
