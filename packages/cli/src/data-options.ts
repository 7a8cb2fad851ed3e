import type { Command } from 'commander';

/** Flags that control how data is read. */
export interface DataOptions {
  groupBy?: string;
  layout?: string;
}

/** Adds the flags that define groups and the directory layout. */
export function addDataOptions(command: Command): Command {
  return command
    .option(
      '--group-by <what>',
      'what defines a group: recording, folder, a manifest column, or a regular expression that is matched against the file path',
    )
    .option(
      '--layout <name>',
      'layout of the data directory (default: detected automatically; cryfold data inspect prints it)',
    );
}
