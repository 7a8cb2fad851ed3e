import type { Command } from 'commander';
import { type ActionWrapper, list, readConfig, runProgram, whole } from './program.js';

const METRICS_PORT = ['--metrics-port <n>', 'port of /metrics, /healthz and /readyz', whole(0)] as const;

const apiPort = (port: number | undefined) => (port === undefined ? {} : { CRYFOLD_API_PORT: String(port) });

/** Runs a service without loading the code of other commands, which halves the memory of an idle service. */
export const main = (args: string[]): Promise<number> => runProgram(args, addServiceCommands);

/** Adds the services of a cluster. */
export function addServiceCommands(program: Command, wrap: ActionWrapper): void {
  const load = () => import('./service-commands.js');
  program
    .command('worker')
    .description('Start a worker: take fold jobs from REDIS_URL and commit results to CRYFOLD_STORE.')
    .option('--queues <names>', 'queues to serve: gpu (networks), cpu (other estimators), or both', list, [
      'gpu',
      'cpu',
    ])
    .option('--children <n>', 'training processes per queue', whole(1), 1)
    .option('--children-per-gpu <n>', 'training processes per GPU; replaces --children for the gpu queue', whole(1))
    .option(
      '--allow-commands',
      'run the programs of command estimators with the permissions of this process: docs/security.md',
    )
    .option(...METRICS_PORT)
    .action(wrap(async (options) => (await load()).workerCommand(options, await readConfig())));
  program
    .command('coordinator')
    .description('Start a coordinator: schedule all unfinished runs at REDIS_URL and CRYFOLD_STORE.')
    .option('--api-port <n>', 'serve the HTTP API and the live page (default: CRYFOLD_API_PORT): docs/api.md', whole(0))
    .option(...METRICS_PORT)
    .action(
      wrap(async (options) => {
        const config = await readConfig({ ...process.env, ...apiPort(options.apiPort) });
        return (await load()).coordinatorCommand(options, config);
      }),
    );
  program
    .command('aggregator')
    .description('Start an aggregator: combine the folds of runs into results.')
    .option(...METRICS_PORT)
    .action(wrap(async (options) => (await load()).aggregatorCommand(options, await readConfig())));
}
