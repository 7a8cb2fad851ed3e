import type { Command } from 'commander';
import { type Does, readConfig } from './program.js';

/** Adds `doctor`. */
export function addDoctorCommand(program: Command, does: Does): void {
  program
    .command('doctor')
    .description('Check Node, TensorFlow, Redis, store, CPU and GPU, and say how to fix each.')
    .option('--json', 'print JSON', false)
    .action(
      does(async (options) => {
        const { doctorCommand } = await import('./doctor-command.js');
        return doctorCommand(options, await readConfig(), process.env);
      }),
    );
}
