import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CryfoldError } from '@cryfold/core';

/** What a file system says of a path that the user chose, in words; any other error is a defect of ours. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'its folder does not exist',
  EISDIR: 'it is a folder, not a file',
  EEXIST: 'there is a file where a folder should be',
  ENOTDIR: 'there is a file where a folder should be',
  EACCES: 'permission is denied',
  EPERM: 'permission is denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space is left on the device',
};

/**
 * Runs what writes to the path that the user gave (`--out`, `--to`). Errors that are no system's pass as they are.
 * @throws CryfoldError OUT_UNWRITABLE
 */
export async function writingOut<T>(path: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (cause) {
    const { code = '', path: at = path } = cause as NodeJS.ErrnoException;
    if (cause instanceof CryfoldError || !Object.hasOwn(REASONS, code)) throw cause;
    throw new CryfoldError('OUT_UNWRITABLE', `${at} cannot be written: ${REASONS[code]}`, {
      cause,
      context: { path: at, errno: code },
      hint: code === 'ENOSPC' ? 'Free some space there, or give another path.' : 'Give a path that can be written to.',
    });
  }
}

/**
 * Tells early that a file cannot be written, before it is made at length.
 * @throws CryfoldError OUT_UNWRITABLE
 */
export function checkOutFile(path: string): Promise<void> {
  return writingOut(path, async () => {
    const found = await stat(path).catch(() => undefined);
    if (found?.isDirectory()) throw Object.assign(new Error(), { code: 'EISDIR', path });
    await access(found ? path : dirname(path), constants.W_OK).catch((error) => {
      throw Object.assign(error, { path });
    });
  });
}

/**
 * As `checkOutFile`, of a folder, which need not be there yet.
 * @throws CryfoldError OUT_UNWRITABLE
 */
export function checkOutFolder(path: string): Promise<void> {
  return writingOut(path, async () => {
    const found = await stat(path).catch(() => undefined);
    if (found && !found.isDirectory()) throw Object.assign(new Error(), { code: 'ENOTDIR', path });
    if (found) await access(path, constants.W_OK);
  });
}
