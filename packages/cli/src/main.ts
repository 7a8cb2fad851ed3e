import { FUSION_RULES } from '@cryfold/evaluation';
import { loadConfig } from '@cryfold/runtime';
import type { Command } from 'commander';
import { compareCommand } from './compare-command.js';
import { addControlCommands } from './control-commands.js';
import { dataInspectCommand, dataSynthCommand } from './data-commands.js';
import { doctorCommand } from './doctor-command.js';
import { fuseCommand } from './fuse-command.js';
import { addModelCommands } from './model-commands.js';
import { type Does, list, runProgram, whole } from './program.js';
import { runProtocols } from './protocols.js';
import { REPORT_FORMATS, reportCommand } from './report-command.js';
import { addServiceCommands } from './service-program.js';
import { addSweepCommands } from './sweep-commands.js';
import { weightsPutCommand } from './weights-command.js';

/** Runs the command line and answers its exit code. */
export const main = (args: string[]): Promise<number> =>
  runProgram(args, (program, does) => {
    addCommands(program, does);
    addServiceCommands(program, does);
    program.addHelpText('after', HELP);
  });

function addCommands(program: Command, does: Does): void {
  const run = program
    .command('run')
    .description('Evaluate a spec (default: the paper’s) on recordings, and print Table II.')
    .argument('[spec]', 'YAML spec; default specs/paper.yaml')
    .requiredOption('--data <path>', 'directory of WAV files, or a CSV manifest path,label,group')
    .option('--out <dir>', 'where results, logs and the file store go', 'cryfold-out')
    .option('--repeats <n>', 'repeats of the cross-validation', whole(1))
    .option('--folds <n>', 'folds of one repeat', whole(2))
    .option('--estimators <names>', 'only these of the spec, comma-separated', list)
    .option('--epochs <n>', 'epochs of the networks', whole(1))
    .option('--weights <path>', 'Keras notop .h5 for tl-resnet50, or "random"')
    .option('--limit <n>', 'only n clips, stratified by class', whole(1))
    .option('--seed <n>', 'seed of splits and training', whole(0))
    .option('--workers <n>', 'local worker processes (default: one per core)', whole(1))
    .option('--skip-bad', 'leave bad recordings out, and list them', false)
    .option('--protocol <names>', 'paper (random folds), grouped (by infant) or both: paper,grouped', list)
    .option('--null <n>', 'also train every estimator n times on shuffled labels, as a baseline', whole(0))
    .option('--allow-leak', 'go on where grouped folds cannot keep equal sounds apart', false)
    .option('--ui [port]', 'serve the live page of a local run, and print a link to it with its token', whole(1))
    .option('--json', 'print the results as JSON, and no progress', false)
    .action(
      does(async (spec: string | undefined, options) =>
        runProtocols({ ...options, ...(spec === undefined ? {} : { spec }) }, loadConfig(), process.env),
      ),
    );

  addSweepCommands(program, run.options, does);
  program
    .command('report')
    .description('Write a finished run’s report: one HTML file that needs no network, or its figures.')
    .argument('<run>', 'id of a run, or its --out directory')
    .option('--format <format>', REPORT_FORMATS.join(', '), 'html')
    .option('--out <file>', 'where to write it (default: standard output)')
    .option('--beside <run>', 'the same data under another protocol, shown beside this one')
    .option('--audio <path>', 'the recordings: puts players beside the hardest clips')
    .action(does((run: string, options) => reportCommand(run, options, loadConfig())));
  program
    .command('fuse')
    .description('Fuse the stored probabilities of a finished run by another rule, without training.')
    .argument('<run>', 'id of a run, or its --out directory')
    .option('--members <names>', 'estimators to fuse, comma-separated (default: all of the run)', list)
    .option('--rule <rule>', FUSION_RULES.join(', '), 'mean')
    .option('--out <dir>', 'where to write results.json and out-of-fold.csv')
    .option('--json', 'print the results as JSON', false)
    .action(does((run: string, options) => fuseCommand(run, options, loadConfig())));
  program
    .command('compare')
    .description('Say whether run B is better than run A, by a paired test on their common folds.')
    .argument('<run-a>', 'the baseline: id of a run, or its --out directory')
    .argument('<run-b>', 'the candidate')
    .option('--model <names>', 'the model to compare, or one of each run as a,b', list)
    .option('--json', 'print the verdict as JSON', false)
    .addHelpText('after', '\nExit codes: 0 better, 5 same, 6 worse, 3 incomplete')
    .action(does((a: string, b: string, options) => compareCommand(a, b, options, loadConfig())));

  const data = program.command('data').description('Look at recordings, or make some.');
  data
    .command('inspect')
    .description('Print clips, seconds, sample rates, classes and groups found.')
    .argument('<path>', 'directory of WAV files, or a CSV manifest')
    .option('--clip-seconds <s>', 'length of a clip', Number, 1)
    .option('--skip-bad', 'leave bad recordings out, and list them', false)
    .option('--json', 'print JSON', false)
    .action(does(dataInspectCommand));
  data
    .command('synth')
    .description('Write a synthetic corpus with Baby Chillanto’s names, classes and infants.')
    .argument('<dir>', 'a directory that does not exist yet, or an earlier corpus of the same kind')
    .option('--clips <n>', 'only about n clips', whole(10))
    .option('--seed <n>', 'seed of voices and cries', whole(0), 0)
    .option('--json', 'print JSON', false)
    .action(does(dataSynthCommand));

  const weights = program.command('weights').description('Pretrained weights.');
  weights
    .command('put')
    .description('Verify ResNet50 weights and put them into the store, where every worker finds them.')
    .argument('<source>', 'Keras notop .h5: a path, or an http(s) URL ending in #sha256=HEX')
    .option('--store <url>', 'default CRYFOLD_STORE')
    .option('--json', 'print JSON', false)
    .action(does((source: string, options) => weightsPutCommand(source, options, loadConfig())));

  addControlCommands(program, does);
  addModelCommands(program, does);
  program
    .command('doctor')
    .description('Check Node, TensorFlow, Redis, store, CPU and GPU, and say how to mend each.')
    .option('--json', 'print JSON', false)
    .action(does((options) => doctorCommand(options, loadConfig(), process.env)));
}

const HELP = `
Environment:
  REDIS_URL              Redis of a cluster (unset: a private one for this command); its password may be in the
                         file that REDIS_PASSWORD_FILE names
  CRYFOLD_STORE          artifact store of a cluster, file:FOLDER or s3://BUCKET/PREFIX
  CRYFOLD_S3_ENDPOINT    https://HOST:PORT of the S3 server (unset: Amazon's); docs/storage.md tells the rest
  AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, or AWS_..._FILE naming mounted files
  CRYFOLD_SERVER         as --server; with CRYFOLD_API_TOKEN, or CRYFOLD_API_TOKEN_FILE naming a file
  CRYFOLD_API_PORT, CRYFOLD_API_HOST (127.0.0.1), CRYFOLD_API_TOKENS or CRYFOLD_API_TOKENS_FILE: what a coordinator
                         serves, and to whom: docs/api.md
  CRYFOLD_CACHE          where TensorFlow and other built things are kept
  CRYFOLD_LOG_LEVEL      trace, debug, info, warn, error or silent
  CRYFOLD_METRICS_PORT   where services answer /metrics, /healthz, /readyz (unset: nowhere); CRYFOLD_METRICS_HOST (all)
  OTEL_EXPORTER_OTLP_ENDPOINT  http(s) collector of traces, OTLP (unset: nothing is traced)
  CRYFOLD_GRACE_SECONDS  how long a stopping worker lets its fold run on (25)
  CRYFOLD_START_TIMEOUT  how long a starting service waits for a Redis or a store that is away, seconds (60)

Exit codes: 0 done, 1 failed, 2 usage, 3 incomplete (some folds failed), 4 cancelled; compare: 0 better, 5 same, 6 worse;
  141 the reader of the output closed it`;
