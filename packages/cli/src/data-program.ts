import { type Command, Option } from 'commander';
import { addDataOptions } from './data-options.js';
import { type ActionWrapper, readConfig, whole } from './program.js';

/** Adds `data` and `weights`. */
export function addDataCommands(program: Command, wrap: ActionWrapper): void {
  addRecordingCommands(program, wrap);
  addWeightsCommands(program, wrap);
}

function addRecordingCommands(program: Command, wrap: ActionWrapper): void {
  const data = program.command('data').description('Inspect, audit or synthesise recordings.');
  const load = () => import('./data-commands.js');
  addDataOptions(data.command('inspect'))
    .description('Print the durations, clips, sample rates, classes and groups of a corpus.')
    .argument('<path>', 'directory of recordings, or a CSV manifest')
    .option('--clip-seconds <s>', 'clip length in seconds', Number, 1)
    .option('--hop-seconds <s>', 'seconds between the starts of consecutive clips (default: the clip length)', Number)
    .addOption(
      new Option(
        '--short-clips <what>',
        'what to do with recordings shorter than a clip (default: pad those that last at least half a clip)',
      ).choices([...['pad', 'drop', 'error']]),
    )
    .option('--skip-bad', 'skip bad recordings and list them', false)
    .option('--problems <file>', 'CSV file in which to list all bad recordings')
    .option('--json', 'print the output as JSON', false)
    .action(wrap(async (path: string, options) => (await load()).dataInspectCommand(path, options)));
  addDataOptions(data.command('audit'))
    .description(
      'Compare the sample rate, bit depth, level and other properties of the recordings across classes, and test whether these properties alone predict the class.',
    )
    .argument('<path>', 'directory of recordings, or a CSV manifest')
    .option('--spec <file>', 'spec that defines how recordings are cut into clips (default: clips of 1 s)')
    .option('--problems <file>', 'CSV file in which to list all bad recordings')
    .option('--json', 'print the output as JSON', false)
    .action(
      wrap(async (path: string, options) => (await import('./audit-command.js')).dataAuditCommand(path, options)),
    );
  data
    .command('synth')
    .description('Write a synthetic corpus of infant cries with the file names and classes of Baby Chillanto.')
    .argument('<dir>', 'a new directory, or one that contains an earlier synthetic corpus')
    .option('--clips <n>', 'approximate number of clips (default: as many as in Baby Chillanto)', whole(10))
    .option('--seed <n>', 'random seed', whole(0), 0)
    .option('--json', 'print the output as JSON', false)
    .action(wrap(async (dir: string, options) => (await load()).dataSynthCommand(dir, options)));
}

function addWeightsCommands(program: Command, wrap: ActionWrapper): void {
  const weights = program.command('weights').description('Manage pretrained weights.');
  weights
    .command('fetch')
    .description('Verify pretrained weights, add them to the local cache, and print the line to add to a spec.')
    .argument('<source>', 'path or http(s) URL of a Keras notop .h5 file')
    .option(
      '--sha256 <hex>',
      'expected SHA-256 hash of the file (default: check the MD5 hash published by keras.applications instead)',
    )
    .option('--json', 'print the output as JSON', false)
    .action(
      wrap(async (source: string, options) => {
        const { weightsFetchCommand } = await import('./weights-command.js');
        return weightsFetchCommand(source, options, await readConfig());
      }),
    );
  weights
    .command('put')
    .description('Verify pretrained weights and upload them to the store, from which all workers read them.')
    .argument('<source>', 'path of a Keras notop .h5 file, or an http(s) URL that ends in #sha256=HEX')
    .option('--json', 'print the output as JSON', false)
    .action(
      wrap(async (source: string, options) => {
        const { weightsPutCommand } = await import('./weights-command.js');
        return weightsPutCommand(source, options, await readConfig());
      }),
    );
}
