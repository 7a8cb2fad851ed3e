import { resolve, sep } from 'node:path';

/** Whether a path is that of a folder or of something in it, as far as the names say: links are not followed. */
export function isBelow(path: string, folder: string): boolean {
  const [inner, outer] = [resolve(path), resolve(folder)];
  return inner === outer || inner.startsWith(outer.endsWith(sep) ? outer : outer + sep);
}
