import { CryfoldError } from '@cryfold/core';
import type { Command, Option } from 'commander';
import type { PlanOptions } from './plan-command.js';
import { type Does, fromZero, readConfig } from './program.js';
import type { runProtocols } from './protocols.js';

type SweepOptions = Omit<Parameters<typeof runProtocols>[0], 'spec'>;

interface JobOptions {
  kubernetes?: boolean;
  image?: string;
}

/** Adds `plan` and `sweep`, which take the options of `run`. */
export function addSweepCommands(program: Command, options: readonly Option[], does: Does): void {
  const command = (name: string, spec: string, description: string) => {
    const added = program.command(name).description(description).argument(spec, 'YAML spec');
    for (const option of options) added.addOption(option);
    return added;
  };
  command(
    'plan',
    '[spec]',
    'Say what a run or sweep would train, how much is in the store, and how long it takes; start nothing.',
  )
    .option('--gpu-hour-price <price>', 'of an hour of a GPU worker, for the cost', fromZero)
    .option('--calibrate', 'measure for ten seconds how fast this machine trains, however short the run is', false)
    .option('--cpu-hour-price <price>', 'of an hour of a CPU worker, for the cost', fromZero)
    .action(
      does(async (spec: string | undefined, values: PlanOptions) => {
        const { planCommand } = await import('./plan-command.js');
        return planCommand(spec, values, await readConfig());
      }),
    );
  command(
    'sweep',
    '<spec>',
    'Search the parameters that a spec’s search section names; the same command continues a stopped one.',
  )
    .option('--kubernetes', 'start nothing: print the Job that launches this in a cluster, for kubectl apply -f -')
    .option('--image <image>', 'of that Job (default: cryfold/control at this version)')
    .action(
      does(async (spec: string, { kubernetes, image, ...values }: SweepOptions & JobOptions) => {
        const { readSpec } = await import('./prepare.js');
        if (!(await readSpec(spec)).search) {
          throw new CryfoldError('USAGE', `${spec} has no search section`, {
            context: { file: spec },
            hint: 'specs/paper-search.yaml is an example; cryfold run evaluates a spec without one.',
          });
        }
        if (kubernetes) return (await import('./sweep-kubernetes.js')).printSweepJob(spec, image, options, values);
        const { runProtocols } = await import('./protocols.js');
        return runProtocols({ ...values, spec }, await readConfig(), process.env);
      }),
    );
}
