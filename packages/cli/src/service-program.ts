import type { Command } from 'commander';
import { type ActionWrapper, list, readConfig, runProgram, whole } from './program.js';

const METRICS_PORT = ['--metrics-port <n>', 'port for the /metrics, /healthz and /readyz endpoints', whole(0)] as const;

const apiPort = (port: number | undefined) => (port === undefined ? {} : { CRYFOLD_API_PORT: String(port) });

/** Runs a service without loading the code of other commands, which halves the memory of an idle service. */
export const main = (args: string[]): Promise<number> => runProgram(args, addServiceCommands);

/** Adds the services of a cluster. */
export function addServiceCommands(program: Command, wrap: ActionWrapper): void {
  const load = () => import('./service-commands.js');
  program
    .command('worker')
    .description(
      'Start a worker, which takes jobs from Redis (REDIS_URL) and commits results to the store (CRYFOLD_STORE).',
    )
    .option('--queues <names>', 'queues to serve: gpu (neural networks), cpu (all other estimators), or both', list, [
      'gpu',
      'cpu',
    ])
    .option('--children <n>', 'number of training processes per queue', whole(1), 1)
    .option(
      '--children-per-gpu <n>',
      'number of training processes per GPU; for the gpu queue, this replaces --children',
      whole(1),
    )
    .option(
      '--allow-commands',
      'allow command estimators to run their programs with the permissions of this process (see docs/security.md)',
    )
    .option(...METRICS_PORT)
    .action(wrap(async (options) => (await load()).workerCommand(options, await readConfig())));
  program
    .command('coordinator')
    .description(
      'Start a coordinator, which schedules all unfinished runs of the cluster that uses REDIS_URL and CRYFOLD_STORE.',
    )
    .option(
      '--api-port <n>',
      'serve the HTTP API and the live page on this port (default: CRYFOLD_API_PORT; see docs/api.md)',
      whole(0),
    )
    .option(...METRICS_PORT)
    .action(
      wrap(async (options) => {
        const config = await readConfig({ ...process.env, ...apiPort(options.apiPort) });
        return (await load()).coordinatorCommand(options, config);
      }),
    );
  program
    .command('aggregator')
    .description('Start an aggregator, which combines the fold results of each run into the results of the run.')
    .option(...METRICS_PORT)
    .action(wrap(async (options) => (await load()).aggregatorCommand(options, await readConfig())));
}
