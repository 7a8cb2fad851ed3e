import type { Command } from 'commander';
import { priorityOption } from './priority-option.js';
import { type Does, readConfig, whole } from './program.js';

interface ScheduleOptions {
  priority?: 'low' | 'normal' | 'high';
  maxParallel?: number | false;
  json: boolean;
}

/** Adds `pause`, `resume` and `schedule`. @param command adds a command with the options of those that control runs */
export function addScheduleCommands(command: (name: string, description: string) => Command, does: Does): void {
  const add = (name: string, description: string) => command(name, description).argument('<run>', 'id of a run');
  const change = () => import('./change-commands.js');
  for (const [name, description] of [
    ['pause', 'Start no further fold of a run; folds that train end.'],
    ['resume', 'Continue a paused run.'],
  ] as const) {
    add(name, description).action(
      does(async (run: string, options) =>
        (await change()).scheduleCommand(run, { paused: name === 'pause' }, options, await readConfig()),
      ),
    );
  }
  add('schedule', 'Change the priority of a run, or how many of its folds may train at once.')
    .addOption(priorityOption())
    .option('--max-parallel <n>', 'most folds that train at once', whole(1))
    .option('--no-max-parallel', 'any number of folds may train at once')
    .action(
      does(async (run: string, { priority, maxParallel, ...options }: ScheduleOptions) => {
        const wanted = {
          ...(priority && { priority }),
          ...(typeof maxParallel === 'number' && { maxParallel }),
          ...(maxParallel === false && { maxParallel: null }),
        };
        return (await change()).scheduleCommand(run, wanted, options, await readConfig());
      }),
    );
}
