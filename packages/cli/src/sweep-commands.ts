import { CryfoldError } from '@cryfold/core';
import type { Command, Option } from 'commander';
import type { PlanOptions } from './plan-command.js';
import { type ActionWrapper, fromZero, readConfig } from './program.js';
import type { runProtocols } from './protocols.js';

type SweepOptions = Omit<Parameters<typeof runProtocols>[0], 'spec'>;

interface JobOptions {
  kubernetes?: boolean;
  image?: string;
}

/** Adds `plan` and `sweep`, which take the options of `run`. */
export function addSweepCommands(program: Command, options: readonly Option[], wrap: ActionWrapper): void {
  const command = (name: string, spec: string, description: string) => {
    const added = program.command(name).description(description).argument(spec, 'YAML spec');
    for (const option of options) added.addOption(option);
    return added;
  };
  command(
    'plan',
    '[spec]',
    'Show what a run or sweep would train, how much is already in the store, and how long the rest takes. Starts nothing.',
  )
    .option('--gpu-hour-price <price>', 'price of a GPU worker per hour, for the cost estimate', fromZero)
    .option('--calibrate', 'measure for ten seconds how fast this machine trains, even for a short run', false)
    .option('--cpu-hour-price <price>', 'price of a CPU worker per hour, for the cost estimate', fromZero)
    .action(
      wrap(async (spec: string | undefined, values: PlanOptions) => {
        const { planCommand } = await import('./plan-command.js');
        return planCommand(spec, values, await readConfig());
      }),
    );
  command(
    'sweep',
    '<spec>',
    'Search the parameters in the search section of a spec. Run the same command again to continue a stopped sweep.',
  )
    .option(
      '--kubernetes',
      'print a Kubernetes Job that launches this sweep, for kubectl apply -f -, and start nothing',
    )
    .option('--image <image>', 'image of the Job (default: cryfold/control at this version)')
    .action(
      wrap(async (spec: string, { kubernetes, image, ...values }: SweepOptions & JobOptions) => {
        const { readSpec } = await import('./prepare.js');
        if (!(await readSpec(spec)).search) {
          throw new CryfoldError('USAGE', `${spec} has no search section`, {
            context: { file: spec },
            hint: 'specs/paper-search.yaml is an example; cryfold run evaluates specs without a search section.',
          });
        }
        if (kubernetes) return (await import('./sweep-kubernetes.js')).printSweepJob(spec, image, options, values);
        const { runProtocols } = await import('./protocols.js');
        return runProtocols({ ...values, spec }, await readConfig(), process.env);
      }),
    );
}
