import { type Command, Option } from 'commander';
import { addDataOptions } from './data-options.js';
import { type Does, readConfig, whole } from './program.js';

/** Adds `data` and `weights`: what runs are made of. */
export function addDataCommands(program: Command, does: Does): void {
  const data = program.command('data').description('Look at recordings, or make some.');
  const load = () => import('./data-commands.js');
  addDataOptions(data.command('inspect'))
    .description('Print durations, clips, seconds, sample rates, classes and groups found.')
    .argument('<path>', 'directory of recordings, or a CSV manifest')
    .option('--clip-seconds <s>', 'length of a clip', Number, 1)
    .option('--hop-seconds <s>', 'from one clip’s start to the next (default: a clip’s length)', Number)
    .addOption(
      new Option('--short-clips <what>', 'recordings shorter than a clip (default: pad from half a clip on)').choices([
        ...['pad', 'drop', 'error'],
      ]),
    )
    .option('--skip-bad', 'leave bad recordings out, and list them', false)
    .option('--problems <file>', 'list all bad recordings there, as CSV')
    .option('--json', 'print JSON', false)
    .action(does(async (path: string, options) => (await load()).dataInspectCommand(path, options)));
  addDataOptions(data.command('audit'))
    .description(
      'Compare recordings by class: rates, bit depth, level and more. Test whether such properties alone predict the class.',
    )
    .argument('<path>', 'directory of recordings, or a CSV manifest')
    .option('--spec <file>', 'cut recordings into clips as this spec does (default: clips of 1 s)')
    .option('--problems <file>', 'list all bad recordings there, as CSV')
    .option('--json', 'print JSON', false)
    .action(
      does(async (path: string, options) => (await import('./audit-command.js')).dataAuditCommand(path, options)),
    );
  data
    .command('synth')
    .description('Write a synthetic corpus with Baby Chillanto’s names, classes and infants.')
    .argument('<dir>', 'a directory that does not exist yet, or an earlier corpus of the same kind')
    .option('--clips <n>', 'only about n clips', whole(10))
    .option('--seed <n>', 'seed of voices and cries', whole(0), 0)
    .option('--json', 'print JSON', false)
    .action(does(async (dir: string, options) => (await load()).dataSynthCommand(dir, options)));

  const weights = program.command('weights').description('Pretrained weights.');
  weights
    .command('fetch')
    .description(
      'Download or copy pretrained weights into this machine’s cache, check them, and print the line for a spec.',
    )
    .argument('<source>', 'Keras notop .h5: a path or an http(s) URL')
    .option('--sha256 <hex>', 'of the file (default: the one that keras.applications publishes, by its md5)')
    .option('--json', 'print JSON', false)
    .action(
      does(async (source: string, options) => {
        const { weightsFetchCommand } = await import('./weights-command.js');
        return weightsFetchCommand(source, options, await readConfig());
      }),
    );
  weights
    .command('put')
    .description('Verify pretrained weights and put them into the store, where every worker finds them.')
    .argument('<source>', 'Keras notop .h5: a path, or an http(s) URL ending in #sha256=HEX')
    .option('--json', 'print JSON', false)
    .action(
      does(async (source: string, options) => {
        const { weightsPutCommand } = await import('./weights-command.js');
        return weightsPutCommand(source, options, await readConfig());
      }),
    );
}
