import { mkdtempSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const inUse = new Set<string>();
let removedAtExit = false;

/**
 * Runs `work` with a folder for files that TensorFlow or HDF5 can only open by name, and removes the folder afterwards.
 * A process that exits during the work (such as a training child whose worker has died) removes it too. If the process
 * is killed, its parent finds the folder by the token in its name (`BoundedChild` in @cryfold/runtime).
 * @throws file system errors, for example if TMPDIR is not writable
 */
export async function withTemporaryFolder<Result>(
  kind: 'graph' | 'weights',
  work: (folder: string) => Promise<Result>,
): Promise<Result> {
  if (!removedAtExit) process.once('exit', removeAll);
  removedAtExit = true;
  const token = process.env.CRYFOLD_CHILD ? `${process.env.CRYFOLD_CHILD}-` : '';
  // Synchronous, so that the process cannot exit between creating the folder and registering it.
  const folder = mkdtempSync(join(tmpdir(), `cryfold-${kind}-${token}`));
  inUse.add(folder);
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
    inUse.delete(folder);
  }
}

function removeAll(): void {
  // A thread may still be writing a file, so the folder may not be empty at the first attempt.
  for (const folder of inUse) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
