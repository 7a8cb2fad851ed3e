import type { Command } from 'commander';
import { type ActionWrapper, readConfig } from './program.js';

/** Adds `doctor`. */
export function addDoctorCommand(program: Command, wrap: ActionWrapper): void {
  program
    .command('doctor')
    .description('Check Node, TensorFlow, Redis, the store, the CPU and the GPU, and suggest how to fix any problems.')
    .option('--json', 'print the output as JSON', false)
    .action(
      wrap(async (options) => {
        const { doctorCommand } = await import('./doctor-command.js');
        return doctorCommand(options, await readConfig(), process.env);
      }),
    );
}
