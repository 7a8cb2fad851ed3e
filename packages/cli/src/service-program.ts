import type { Command } from 'commander';
import { type Does, list, readConfig, runProgram, whole } from './program.js';

const METRICS_PORT = ['--metrics-port <n>', 'serve /metrics, /healthz and /readyz there', whole(0)] as const;

const apiPort = (port: number | undefined) => (port === undefined ? {} : { CRYFOLD_API_PORT: String(port) });

/** Runs a service alone: nothing that only other commands need is loaded, which halves an idle service's memory. */
export const main = (args: string[]): Promise<number> => runProgram(args, addServiceCommands);

/** Adds the processes of a cluster. */
export function addServiceCommands(program: Command, does: Does): void {
  const load = () => import('./service-commands.js');
  program
    .command('worker')
    .description('Take fold jobs from REDIS_URL and commit results to CRYFOLD_STORE.')
    .option('--queues <names>', 'gpu (networks), cpu (SVMs), or both', list, ['gpu', 'cpu'])
    .option('--children <n>', 'training processes per queue', whole(1), 1)
    .option('--children-per-gpu <n>', 'training processes on each GPU, instead of --children for gpu', whole(1))
    .option('--allow-commands', 'run the programs that specs name, as the user of this process: docs/security.md')
    .option(...METRICS_PORT)
    .action(does(async (options) => (await load()).workerCommand(options, await readConfig())));
  program
    .command('coordinator')
    .description('Drive every unfinished run at REDIS_URL and CRYFOLD_STORE.')
    .option('--api-port <n>', 'serve the HTTP API and the live page (default: CRYFOLD_API_PORT): docs/api.md', whole(0))
    .option(...METRICS_PORT)
    .action(
      does(async (options) => {
        const config = await readConfig({ ...process.env, ...apiPort(options.apiPort) });
        return (await load()).coordinatorCommand(options, config);
      }),
    );
  program
    .command('aggregator')
    .description('Put the results of finished runs together.')
    .option(...METRICS_PORT)
    .action(does(async (options) => (await load()).aggregatorCommand(options, await readConfig())));
}
