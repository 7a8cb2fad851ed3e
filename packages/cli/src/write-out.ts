import { randomBytes } from 'node:crypto';
import { access, constants, lstat, mkdir, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { CryfoldError } from '@cryfold/core';

/** Explanations of file system errors for paths that the user chose. Any other error is an internal error. */
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
  EBUSY: 'it is in use, for example as a mount point',
  ELOOP: 'its symbolic links form a loop',
  ENAMETOOLONG: 'its name is too long',
};

/**
 * Runs `write` for a path that the user gave (`--out`, `--to`) and converts file system errors. Other errors pass
 * unchanged.
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
        code === 'ENOSPC' || code === 'EDQUOT' ? 'Free some space, or choose another path.' : 'Choose a writable path.',
    });
  }
}

/**
 * Fails fast if a file cannot be written, before its content is computed.
 * @throws CryfoldError OUT_UNWRITABLE
 */
export function checkOutFile(path: string): Promise<void> {
  return writingOut(path, async () => {
    const found = await stat(path).catch(() => undefined);
    if (found?.isDirectory()) throw Object.assign(new Error(), { code: 'EISDIR', path });
    if (found && !found.isFile()) {
      throw new CryfoldError('OUT_UNWRITABLE', `${path} cannot be written: it is a device, pipe or socket`, {
        context: { path },
        hint: 'Specify the path of a file, or omit --out to write to standard output.',
      });
    }
    // The target of a link is never written to, because the link is replaced.
    const written = (await lstat(path).catch(() => undefined))?.isFile() ? [path, dirname(path)] : [dirname(path)];
    for (const part of written) {
      await access(part, constants.W_OK).catch((error) => {
        throw Object.assign(error, { path });
      });
    }
  });
}

/**
 * Writes a file atomically: if the command is killed or the disk is full, the old file remains. Replaces a link instead
 * of following it. Keeps the file mode. Does not flush to disk, because output files are only copies of what is in the
 * store.
 * @param content chunks, which are written as they arrive
 * @throws CryfoldError OUT_UNWRITABLE, or any error that `content` throws
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
      // Errors of `write` do not include the path that the user gave, so it is added.
      throw Object.assign(error as Error, { path });
    }
  });
}

/**
 * An output folder that the user gave. The folder itself may be a link. Inside it, links are replaced by files, and
 * links in place of folders are refused if they lead outside.
 */
export class OutFolder {
  readonly path: string;
  readonly #checked = new Set<string>();

  constructor(path: string) {
    this.path = path;
  }

  /**
   * Creates a folder inside this one.
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
   * Writes a file inside this folder, in the same way as `writeOutFile`.
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
    throw new CryfoldError('OUT_UNWRITABLE', `${folder} is a link that leads outside ${this.path}`, {
      context: { path: folder },
      hint: 'Remove the link, or choose another folder.',
    });
  }
}

/**
 * Like `checkOutFile`, but for a folder. If the folder does not exist yet, checks its closest existing parent.
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
