import { type Command, Option } from 'commander';
import type { DemoOptions } from './demo-command.js';
import type { ActionWrapper } from './program.js';

/** Adds `setup` and `demo`. @param options options of `run`, which `demo` also has */
export function addSetupCommands(program: Command, options: readonly Option[], wrap: ActionWrapper): void {
  program
    .command('setup')
    .description('Build the TensorFlow binding, and download Valkey if this machine has no Redis.')
    .addOption(new Option('--variant <name>', 'TensorFlow variant to build').choices(['cpu', 'cuda']).default('cpu'))
    .option('--force', 'rebuild the TensorFlow binding even if it already exists', false)
    .action(wrap(async (values) => (await import('./setup-command.js')).setupCommand(values)));
  const demo = program
    .command('demo')
    .description(
      'Evaluate the paper’s four models on a synthetic corpus in ./cryfold-demo, and print the results in the format of Table II.',
    );
  for (const option of options) if (option.attributeName() !== 'data') demo.addOption(option);
  demo.action(
    wrap(async (values: DemoOptions & { json: boolean }) => (await import('./demo-command.js')).demoCommand(values)),
  );
}
