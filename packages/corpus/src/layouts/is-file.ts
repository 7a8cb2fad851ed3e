import { stat } from 'node:fs/promises';

/** Whether a path leads to a regular file, following links. */
export async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (entry) => entry.isFile(),
    () => false,
  );
}
