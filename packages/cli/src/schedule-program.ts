import type { Command } from 'commander';
import { priorityOption } from './priority-option.js';
import { type ActionWrapper, readConfig, STORED_RUN, whole } from './program.js';

interface ScheduleOptions {
  priority?: 'low' | 'normal' | 'high';
  maxParallel?: number | false;
  json: boolean;
}

/**
 * Adds `pause`, `resume` and `schedule`.
 * @param command adds a command with the options that all commands for controlling runs share
 */
export function addScheduleCommands(
  command: (name: string, description: string) => Command,
  wrap: ActionWrapper,
): void {
  const add = (name: string, description: string) => command(name, description).argument('<run>', STORED_RUN);
  const change = () => import('./change-commands.js');
  for (const [name, description] of [
    ['pause', 'Pause a run. Folds that are already being trained will still finish.'],
    ['resume', 'Continue a paused run.'],
  ] as const) {
    add(name, description).action(
      wrap(async (run: string, options) =>
        (await change()).scheduleCommand(run, { paused: name === 'pause' }, options, await readConfig()),
      ),
    );
  }
  add('schedule', 'Change the priority of a run or the number of folds that may train at the same time.')
    .addOption(priorityOption())
    .option('--max-parallel <n>', 'maximum number of folds that train at the same time', whole(1))
    .option('--no-max-parallel', 'remove this limit')
    .action(
      wrap(async (run: string, { priority, maxParallel, ...options }: ScheduleOptions) => {
        const wanted = {
          ...(priority && { priority }),
          ...(typeof maxParallel === 'number' && { maxParallel }),
          ...(maxParallel === false && { maxParallel: null }),
        };
        return (await change()).scheduleCommand(run, wanted, options, await readConfig());
      }),
    );
}
