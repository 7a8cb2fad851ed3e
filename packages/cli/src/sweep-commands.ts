import { CryfoldError } from '@cryfold/core';
import { loadConfig } from '@cryfold/runtime';
import { type Command, InvalidArgumentError, type Option } from 'commander';
import { type PlanOptions, planCommand } from './plan-command.js';
import { readSpec } from './prepare.js';
import type { Does } from './program.js';
import { runProtocols } from './protocols.js';

type SweepOptions = Omit<Parameters<typeof runProtocols>[0], 'spec'>;

interface JobOptions {
  kubernetes?: boolean;
  image?: string;
}

const price = (text: string): number => {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0)) throw new InvalidArgumentError('a number from 0 on');
  return value;
};

/** Adds `plan` and `sweep`, which take the options of `run`. */
export function addSweepCommands(program: Command, options: readonly Option[], does: Does): void {
  const command = (name: string, description: string) => {
    const added = program.command(name).description(description).argument('<spec>', 'YAML spec');
    for (const option of options) added.addOption(option);
    return added;
  };
  command(
    'plan',
    'Say what a run or sweep would train, how much is in the store, and how long it takes; start nothing.',
  )
    .option('--gpu-hour-price <price>', 'of an hour of a GPU worker, for the cost', price)
    .option('--cpu-hour-price <price>', 'of an hour of a CPU worker, for the cost', price)
    .action(does((spec: string, values: PlanOptions) => planCommand(spec, values, loadConfig())));
  command(
    'sweep',
    'Search the parameters that a spec’s search section names; the same command goes on with a stopped one.',
  )
    .option('--kubernetes', 'start nothing: print the Job that launches this in a cluster, for kubectl apply -f -')
    .option('--image <image>', 'of that Job (default: cryfold/control at this version)')
    .action(
      does(async (spec: string, { kubernetes, image, ...values }: SweepOptions & JobOptions) => {
        if (!(await readSpec(spec)).search) {
          throw new CryfoldError('USAGE', `${spec} has no search section`, {
            context: { file: spec },
            hint: 'specs/paper-search.yaml is an example; cryfold run evaluates a spec without one.',
          });
        }
        if (kubernetes) return (await import('./sweep-kubernetes.js')).printSweepJob(spec, image, options, values);
        return runProtocols({ ...values, spec }, loadConfig(), process.env);
      }),
    );
}
