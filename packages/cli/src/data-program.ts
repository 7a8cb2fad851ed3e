import { type Command, Option } from 'commander';
import { addDataOptions } from './data-options.js';
import { type ActionWrapper, readConfig, whole } from './program.js';

/** Adds `data` and `weights`. */
export function addDataCommands(program: Command, wrap: ActionWrapper): void {
  const data = program.command('data').description('Inspect, audit or synthesise recordings.');
  const load = () => import('./data-commands.js');
  addDataOptions(data.command('inspect'))
    .description('Print durations, clips, sample rates, classes and groups of a corpus.')
    .argument('<path>', 'directory of recordings, or a CSV manifest')
    .option('--clip-seconds <s>', 'clip length in seconds', Number, 1)
    .option('--hop-seconds <s>', 'seconds from one clip to the next (default: the clip length)', Number)
    .addOption(
      new Option(
        '--short-clips <what>',
        'what to do with recordings shorter than a clip (default: pad if at least half a clip)',
      ).choices([...['pad', 'drop', 'error']]),
    )
    .option('--skip-bad', 'skip bad recordings, and list them', false)
    .option('--problems <file>', 'write a CSV list of all bad recordings')
    .option('--json', 'print JSON', false)
    .action(wrap(async (path: string, options) => (await load()).dataInspectCommand(path, options)));
  addDataOptions(data.command('audit'))
    .description(
      'Compare sample rate, bit depth, level and more by class. Test whether these properties alone predict the class.',
    )
    .argument('<path>', 'directory of recordings, or a CSV manifest')
    .option('--spec <file>', 'cut recordings into clips as in this spec (default: clips of 1 s)')
    .option('--problems <file>', 'write a CSV list of all bad recordings')
    .option('--json', 'print JSON', false)
    .action(
      wrap(async (path: string, options) => (await import('./audit-command.js')).dataAuditCommand(path, options)),
    );
  data
    .command('synth')
    .description('Write a synthetic corpus of infant cries with the file names and classes of Baby Chillanto.')
    .argument('<dir>', 'a new directory, or one with an earlier synthetic corpus')
    .option('--clips <n>', 'approximate number of clips (default: as many as Baby Chillanto)', whole(10))
    .option('--seed <n>', 'random seed', whole(0), 0)
    .option('--json', 'print JSON', false)
    .action(wrap(async (dir: string, options) => (await load()).dataSynthCommand(dir, options)));

  const weights = program.command('weights').description('Manage pretrained weights.');
  weights
    .command('fetch')
    .description('Verify pretrained weights, add them to the local cache, and print the line to put into a spec.')
    .argument('<source>', 'Keras notop .h5: a path or an http(s) URL')
    .option('--sha256 <hex>', 'expected hash of the file (default: the md5 that keras.applications publishes)')
    .option('--json', 'print JSON', false)
    .action(
      wrap(async (source: string, options) => {
        const { weightsFetchCommand } = await import('./weights-command.js');
        return weightsFetchCommand(source, options, await readConfig());
      }),
    );
  weights
    .command('put')
    .description('Verify pretrained weights and upload them to the store for all workers.')
    .argument('<source>', 'Keras notop .h5: a path, or an http(s) URL ending in #sha256=HEX')
    .option('--json', 'print JSON', false)
    .action(
      wrap(async (source: string, options) => {
        const { weightsPutCommand } = await import('./weights-command.js');
        return weightsPutCommand(source, options, await readConfig());
      }),
    );
}
