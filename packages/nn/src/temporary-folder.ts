import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Makes a folder for files that TensorFlow or HDF5 need by name. Whoever makes it removes it; where this process is killed
 * before that, its parent finds it by the token in its name (`BoundedChild` in @cryfold/runtime).
 */
export function temporaryFolder(kind: 'graph' | 'weights'): Promise<string> {
  const token = process.env.CRYFOLD_CHILD ? `${process.env.CRYFOLD_CHILD}-` : '';
  return mkdtemp(join(tmpdir(), `cryfold-${kind}-${token}`));
}
