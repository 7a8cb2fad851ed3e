import { resolve, sep } from 'node:path';

/** Whether a path equals a folder or is inside it. Compares names only and does not follow links. */
export function isBelow(path: string, folder: string): boolean {
  const [inner, outer] = [resolve(path), resolve(folder)];
  return inner === outer || inner.startsWith(outer.endsWith(sep) ? outer : outer + sep);
}
