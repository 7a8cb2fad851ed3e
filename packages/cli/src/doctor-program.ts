import type { Command } from 'commander';
import { type ActionWrapper, readConfig } from './program.js';

/** Adds `doctor`. */
export function addDoctorCommand(program: Command, wrap: ActionWrapper): void {
  program
    .command('doctor')
    .description('Check Node, TensorFlow, Redis, store, CPU and GPU, and suggest fixes.')
    .option('--json', 'print JSON', false)
    .action(
      wrap(async (options) => {
        const { doctorCommand } = await import('./doctor-command.js');
        return doctorCommand(options, await readConfig(), process.env);
      }),
    );
}
