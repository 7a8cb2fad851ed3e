import type { Priority } from '@cryfold/plan';
import { Option } from 'commander';

// Not imported: loading the plan's schemas would slow down every command.
const LEVELS: readonly Priority[] = ['low', 'normal', 'high'];

export const priorityOption = (): Option =>
  new Option(
    '--priority <level>',
    'share of a cluster’s workers beside other runs; each level is four times the last',
  ).choices(LEVELS);
