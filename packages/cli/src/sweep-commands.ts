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
    const added = program.command(name).description(description).argument(spec, 'path of a YAML spec');
    for (const option of options) added.addOption(option);
    return added;
  };
  command(
    'plan',
    '[spec]',
    'Show what a run or sweep would train, how much of it is already in the store, and how long the rest would take. Nothing is started.',
  )
    .option('--gpu-hour-price <price>', 'hourly price of a GPU worker, for the cost estimate', fromZero)
    .option('--calibrate', 'spend ten seconds measuring how fast this machine trains, even if the run is short', false)
    .option('--cpu-hour-price <price>', 'hourly price of a CPU worker, for the cost estimate', fromZero)
    .action(
      wrap(async (spec: string | undefined, values: PlanOptions) => {
        const { planCommand } = await import('./plan-command.js');
        return planCommand(spec, values, await readConfig());
      }),
    );
  command(
    'sweep',
    '<spec>',
    'Find the best values of the parameters in the search section of a spec. To continue a stopped sweep, run the same command again.',
  )
    .option('--kubernetes', 'only print a Kubernetes Job that launches this sweep; pipe it to kubectl apply -f -')
    .option(
      '--image <image>',
      'container image for the Kubernetes Job (default: cryfold/control, tagged with this version of cryfold)',
    )
    .action(
      wrap(async (spec: string, { kubernetes, image, ...values }: SweepOptions & JobOptions) => {
        const { readSpec } = await import('./prepare.js');
        if (!(await readSpec(spec)).search) {
          throw new CryfoldError('USAGE', `${spec} has no search section`, {
            context: { file: spec },
            hint: 'See specs/paper-search.yaml for an example. To evaluate a spec without a search section, use cryfold run.',
          });
        }
        if (kubernetes) return (await import('./sweep-kubernetes.js')).printSweepJob(spec, image, options, values);
        const { runProtocols } = await import('./protocols.js');
        return runProtocols({ ...values, spec }, await readConfig(), process.env);
      }),
    );
}
