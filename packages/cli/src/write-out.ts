import { randomBytes } from 'node:crypto';
import { access, constants, lstat, mkdir, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
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
  EDQUOT: 'the disk quota is exceeded',
  EFBIG: 'it is too large for the file system',
  EBUSY: 'it is in use, such as by a mount',
  ELOOP: 'links lead to it in a loop',
  ENAMETOOLONG: 'its name is too long',
};

/**
 * Runs what writes to the path that the user gave (`--out`, `--to`). Errors that are no system's pass as they are.
 * @throws CryfoldError OUT_UNWRITABLE
 */
async function writingOut<T>(path: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (cause) {
    const { code = '', path: at = path } = cause as NodeJS.ErrnoException;
    if (cause instanceof CryfoldError || !Object.hasOwn(REASONS, code)) throw cause;
    throw new CryfoldError('OUT_UNWRITABLE', `${at} cannot be written: ${REASONS[code]}`, {
      cause,
      context: { path: at, errno: code },
      hint:
        code === 'ENOSPC' || code === 'EDQUOT'
          ? 'Free some space there, or give another path.'
          : 'Give a path that can be written to.',
    });
  }
}

/**
 * Fails early where a file cannot be written, before its content is computed at length.
 * @throws CryfoldError OUT_UNWRITABLE
 */
export function checkOutFile(path: string): Promise<void> {
  return writingOut(path, async () => {
    const found = await stat(path).catch(() => undefined);
    if (found?.isDirectory()) throw Object.assign(new Error(), { code: 'EISDIR', path });
    if (found && !found.isFile()) {
      throw new CryfoldError('OUT_UNWRITABLE', `${path} cannot be written: it is a device, pipe or socket`, {
        context: { path },
        hint: 'Give the path of a file; without --out, the output goes to standard output.',
      });
    }
    // What a link leads to is not written.
    const written = (await lstat(path).catch(() => undefined))?.isFile() ? [path, dirname(path)] : [dirname(path)];
    for (const part of written) {
      await access(part, constants.W_OK).catch((error) => {
        throw Object.assign(error, { path });
      });
    }
  });
}

/**
 * Writes a file atomically: a command that is killed, or a full disk, leaves the file that was there, or none. A link in
 * its place is replaced, never followed. The file keeps its mode. It is not flushed to the disk: what a command writes
 * out are copies of what the store holds.
 * @param content pieces are written as they come
 * @throws CryfoldError OUT_UNWRITABLE, and what making the content throws
 */
export function writeOutFile(path: string, content: string | Uint8Array | AsyncIterable<string>): Promise<void> {
  return writingOut(path, async () => {
    await checkOutFile(path);
    const found = await lstat(path).catch(() => undefined);
    const staged = join(dirname(path), `.cryfold-${randomBytes(12).toString('hex')}.part`);
    try {
      const file = await open(staged, 'wx');
      try {
        if (found?.isFile()) await file.chmod(found.mode & 0o777);
        const pieces = typeof content === 'string' || content instanceof Uint8Array ? [content] : content;
        for await (const piece of pieces) await file.writeFile(piece);
      } finally {
        await file.close();
      }
      await rename(staged, path);
    } catch (error) {
      await rm(staged, { force: true }).catch(() => {});
      // Named after the file that was asked for. A write names none.
      throw Object.assign(error as Error, { path });
    }
  });
}

/**
 * A folder that the user gave for output, and what is written below it. The folder itself may be a link; links below it
 * are replaced where a file is written, and refused where a folder on the way leads out.
 */
export class OutFolder {
  readonly path: string;
  readonly #checked = new Set<string>();

  constructor(path: string) {
    this.path = path;
  }

  /**
   * Makes a folder below this one.
   * @param name relative, with `/`; empty for the folder itself
   * @returns its path
   * @throws CryfoldError OUT_UNWRITABLE
   */
  folder(name: string): Promise<string> {
    return writingOut(this.path, async () => {
      let at = this.path;
      if (!this.#checked.has(at)) await mkdir(at, { recursive: true });
      this.#checked.add(at);
      for (const part of name.split('/').filter(Boolean)) {
        at = join(at, part);
        if (this.#checked.has(at)) continue;
        await mkdir(at).catch((error) => {
          if (error.code !== 'EEXIST') throw error;
        });
        await this.#checkInside(at);
        this.#checked.add(at);
      }
      return at;
    });
  }

  /**
   * Writes a file below this folder, as `writeOutFile` does.
   * @param name relative, with `/`
   * @returns its path
   * @throws CryfoldError OUT_UNWRITABLE
   */
  async write(name: string, content: string | Uint8Array): Promise<string> {
    const slash = name.lastIndexOf('/');
    const target = join(await this.folder(name.slice(0, Math.max(slash, 0))), name.slice(slash + 1));
    await writeOutFile(target, content);
    return target;
  }

  async #checkInside(folder: string): Promise<void> {
    const found = await lstat(folder);
    if (found.isDirectory()) return;
    const target = found.isSymbolicLink() ? await realpath(folder) : '';
    if (target.startsWith(`${await realpath(this.path)}${sep}`) && (await stat(target)).isDirectory()) return;
    if (target === '') throw Object.assign(new Error(), { code: 'ENOTDIR', path: folder });
    throw new CryfoldError('OUT_UNWRITABLE', `${folder} is a link that leads out of ${this.path}`, {
      context: { path: folder },
      hint: 'Remove the link, or give another folder.',
    });
  }
}

/**
 * As `checkOutFile`, of a folder. Where it is not there yet, the last folder on the way to it counts.
 * @throws CryfoldError OUT_UNWRITABLE
 */
export function checkOutFolder(path: string): Promise<void> {
  return writingOut(path, async () => {
    let at = resolve(path);
    while (!(await lstat(at).catch(() => undefined)) && dirname(at) !== at) at = dirname(at);
    const found = await stat(at).catch(() => undefined);
    if (!found?.isDirectory()) throw Object.assign(new Error(), { code: 'ENOTDIR', path: at });
    await access(at, constants.W_OK);
  });
}
