import { constants, lstatSync, openSync, rmSync } from 'node:fs';

/** Opens a log for appending. First removes anything at its path that is not a regular file, such as a link. */
export function openLog(path: string): number {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found && !found.isFile()) rmSync(path);
  const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;
  return openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK);
}
