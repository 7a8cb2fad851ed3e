import type { Command } from 'commander';

/** What flags say of how data is read. */
export interface DataOptions {
  groupBy?: string;
  layout?: string;
}

/** Adds the flags that say what a group is and how a directory is laid out. */
export function addDataOptions(command: Command): Command {
  return command
    .option(
      '--group-by <what>',
      'what a group is: recording, folder, a column of the manifest, or a regular expression on the path of a file',
    )
    .option('--layout <name>', 'how the directory is laid out (default: found out; data inspect names it)');
}
