import type { Priority } from '@cryfold/plan';
import { Option } from 'commander';

// This list is repeated here rather than imported, because loading the plan's schemas would slow down every command.
const LEVELS: readonly Priority[] = ['low', 'normal', 'high'];

export const priorityOption = (): Option =>
  new Option(
    '--priority <level>',
    'priority of the run in a cluster; each level gets four times as many workers as the level below it',
  ).choices(LEVELS);
