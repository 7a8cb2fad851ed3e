import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import {
  type FileHandle,
  link,
  mkdir,
  open,
  readdir,
  realpath,
  rename,
  rm,
  stat,
  unlink,
  writeFile,
} from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { CryfoldError, checkRegular, isBelow } from '@cryfold/core';
import {
  type ArtifactContent,
  type ArtifactInfo,
  type ArtifactStore,
  checkCommitsOnce,
  checkKey,
  marked,
  SourceFailure,
} from './artifact-store.js';

const STAGING = '.staging';
const STAGED = /^[0-9a-f]{24}$/;
/**
 * Folder that the file system creates if the store is the root of a volume. Only root may read it, and its content must
 * not be removed as garbage.
 */
const LOST_AND_FOUND = 'lost+found';

/** A folder that was found to be inside the store is checked again only after this many milliseconds. */
const TRUSTED_MS = 100;
/** Milliseconds without a write after which a staged file is assumed to belong to a dead process. */
const ABANDONED_MS = 24 * 3_600_000;
/**
 * Errors that mean that a key does not exist: the file is missing, a file is where a folder is expected or vice versa,
 * or the name is too long for a file.
 */
const NOTHING = new Set(['ENOENT', 'ENOTDIR', 'EISDIR', 'ENAMETOOLONG']);

function code(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}

/**
 * Errors that link(2) returns on file systems without hard links: FAT, exFAT, network shares, and FUSE file systems
 * that do not implement link(2).
 */
const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']);

/** link(2) fails if the name exists, so exactly one of many processes succeeds. */
async function commitOnce(staged: string, target: string): Promise<boolean> {
  try {
    await link(staged, target);
    return true;
  } catch (error) {
    if (code(error) === 'EEXIST') return false;
    if (!NO_LINKS.has(code(error) ?? '')) throw error;
    throw new CryfoldError(
      'STORE_UNSAFE',
      `${dirname(target)}: its file system does not support hard links (${code(error)})`,
      {
        cause: error,
        context: { path: target },
        hint: 'cryfold needs hard links to commit each result only once. Put the store on ext4, XFS, btrfs, APFS, NTFS or NFS, or use S3.',
      },
    );
  }
}

/**
 * @returns undefined for a folder
 * @throws CryfoldError if `path` is neither a file nor a folder
 */
async function readRegular(path: string): Promise<Uint8Array | undefined> {
  // Without O_NONBLOCK, opening a named pipe would wait until another process opens its other end.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const found = await file.stat();
    if (found.isDirectory()) return undefined;
    checkRegular(found, Number.POSITIVE_INFINITY);
    return await readAll(file, found.size);
  } finally {
    await file.close();
  }
}

/**
 * Artifacts never change in place, so unlike `file.readFile()`, this needs neither a second stat nor a final empty
 * read.
 */
async function readAll(file: FileHandle, bytes: number): Promise<Uint8Array> {
  const content = Buffer.allocUnsafeSlow(bytes);
  let filled = 0;
  while (filled < bytes) {
    const { bytesRead } = await file.read(content, filled, bytes - filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return content.subarray(0, filled);
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  await folder.sync().finally(() => folder.close());
}

/** Removes a staged file, which no longer exists if it was renamed. */
async function removeStaged(path: string): Promise<void> {
  await unlink(path).catch((error) => {
    if (code(error) !== 'ENOENT') throw error;
  });
}

/**
 * Stores artifacts as files below a root folder. A put is first written to a staged file on the same file system and
 * flushed. The staged file is then renamed (to replace) or hard-linked (to write only if the key is absent).
 */
export class FileStore implements ArtifactStore {
  readonly #root: string;
  /** The root's real path when it was last resolved */
  #realRoot: string | undefined;
  /** Folders known to be inside the store, and when they were checked */
  readonly #trusted = new Map<string, number>();

  constructor(root: string) {
    this.#root = resolve(root);
  }

  async check(): Promise<void> {
    await checkCommitsOnce(this);
    await this.#removeAbandoned();
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    return this.#absent(key, async () => {
      const path = this.#path(key);
      const [bytes] = await Promise.all([readRegular(path), this.#checkInside(path)]);
      return bytes;
    });
  }

  async open(key: string): Promise<ArtifactContent | undefined> {
    return this.#absent(key, async () => {
      const path = this.#path(key);
      await this.#checkInside(path);
      // Checked before opening, because opening a named pipe would wait for its other end.
      if (!(await stat(path)).isFile()) return undefined;
      const file = await open(path, 'r');
      const found = await file.stat();
      if (found.isFile()) return { bytes: found.size, modified: found.mtime, stream: file.createReadStream() };
      await file.close();
      return undefined;
    });
  }

  async has(key: string): Promise<boolean> {
    return (await this.stat(key)) !== undefined;
  }

  async stat(key: string): Promise<ArtifactInfo | undefined> {
    const found = await this.#absent(key, () => stat(this.#path(key)));
    return found?.isFile() ? { bytes: found.size, modified: found.mtime } : undefined;
  }

  async put(key: string, bytes: Uint8Array): Promise<void> {
    await this.#staged(key, bytes, (staged, target) => rename(staged, target));
  }

  async putIfAbsent(key: string, bytes: Uint8Array): Promise<boolean> {
    return this.#staged(key, bytes, commitOnce);
  }

  async putStreamIfAbsent(key: string, source: AsyncIterable<Uint8Array>): Promise<boolean> {
    return this.#staged(key, marked(source), commitOnce);
  }

  async *list(prefix: string): AsyncIterable<string> {
    const base = prefix === '' ? '' : `${checkKey(prefix.replace(/\/$/, ''))}/`;
    const entries = await this.#absent(prefix, async () => {
      const folder = join(this.#root, base);
      await this.#checkInside(folder);
      return readdir(folder, { withFileTypes: true });
    });
    // Keys are listed in code-unit order. To get the same order, the names of folders must end in a slash before the
    // entries of a folder are sorted.
    const names = (entries ?? [])
      .filter(({ name }) => !name.startsWith('.') && name !== LOST_AND_FOUND)
      .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name));
    for (const name of names.sort()) {
      if (name.endsWith('/')) yield* this.list(base + name);
      else yield base + name;
    }
  }

  async delete(key: string): Promise<void> {
    await this.#guard(key, async () => {
      const path = this.#path(key);
      await this.#checkInside(dirname(path));
      await rm(path, { force: true });
    });
  }

  async close(): Promise<void> {}

  #path(key: string): string {
    return join(this.#root, ...checkKey(key).split('/'));
  }

  /**
   * The root may be a link, but no link below it may lead outside the store. Otherwise, anyone who can write to the
   * store could have other files read, replaced or deleted. If only part of a path exists so far, that part is checked.
   */
  async #checkInside(path: string): Promise<void> {
    for (let at = path; at.length > this.#root.length; at = dirname(at)) {
      try {
        const real = await realpath(at);
        if (this.#realRoot !== undefined && isBelow(real, this.#realRoot)) return;
        // The root is resolved at first use, and again in case it has moved.
        this.#realRoot = await realpath(this.#root);
        if (isBelow(real, this.#realRoot)) return;
      } catch (error) {
        if (code(error) === 'ENOENT' || code(error) === 'ENOTDIR') continue;
        throw error;
      }
      throw new CryfoldError('STORE_KEY_INVALID', `${at} is, or is inside, a link that leads outside the store`, {
        context: { path: at },
        hint: 'Remove the link, or move its target into the store. Only the folder of the store itself may be a link.',
      });
    }
  }

  /**
   * Checks a folder only from time to time, since some folders, such as the folder of all folds, receive many writes.
   */
  async #checkOften(folder: string): Promise<void> {
    const now = performance.now();
    if (now - (this.#trusted.get(folder) ?? Number.NEGATIVE_INFINITY) < TRUSTED_MS) return;
    if (this.#trusted.size > 100) this.#trusted.clear();
    await this.#checkInside(folder);
    this.#trusted.set(folder, now);
  }

  /** Finds staged files that dead processes have left behind. */
  async #removeAbandoned(): Promise<void> {
    const folder = join(this.#root, STAGING);
    for (const name of (await this.#absent(STAGING, () => readdir(folder))) ?? []) {
      if (!STAGED.test(name)) continue;
      const path = join(folder, name);
      const found = await stat(path).catch(() => undefined);
      if (found && Date.now() - found.mtimeMs > ABANDONED_MS) await rm(path, { force: true });
    }
  }

  async #staged<T>(
    key: string,
    bytes: Uint8Array | AsyncIterable<Uint8Array>,
    commit: (staged: string, target: string) => Promise<T>,
  ): Promise<T> {
    const target = this.#path(key);
    return this.#guard(key, async () => {
      const staged = join(this.#root, STAGING, randomBytes(12).toString('hex'));
      try {
        // Creating the folder and writing the staged file run concurrently to save time, because a fold is not recorded
        // until both are done. If one of them fails, the other must still finish, because a file that is being written
        // cannot be removed.
        const steps = [this.#makeFolder(dirname(target)), this.#stage(staged, bytes)];
        for (const step of await Promise.allSettled(steps)) if (step.status === 'rejected') throw step.reason;
        const result = await commit(staged, target);
        // Not only the bytes, but also the file's name must survive a power failure.
        await Promise.all([syncFolder(dirname(target)), removeStaged(staged)]);
        return result;
      } catch (error) {
        await removeStaged(staged);
        throw error;
      }
    });
  }

  async #makeFolder(folder: string): Promise<void> {
    await this.#checkOften(dirname(folder));
    try {
      // A new folder cannot be a link, so it needs no check. Most folds are committed to a new folder.
      await mkdir(folder);
    } catch (error) {
      if (code(error) !== 'EEXIST' && code(error) !== 'ENOENT') throw error;
      await this.#checkInside(folder);
      await mkdir(folder, { recursive: true });
    }
  }

  async #stage(staged: string, bytes: Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
    await this.#checkOften(dirname(staged));
    const file = await open(staged, 'wx').catch(async (error) => {
      if (code(error) !== 'ENOENT') throw error;
      await mkdir(dirname(staged), { recursive: true });
      return open(staged, 'wx');
    });
    try {
      await writeFile(file, bytes);
      await file.sync();
    } finally {
      await file.close();
    }
  }

  async #absent<T>(key: string, read: () => Promise<T>): Promise<T | undefined> {
    return this.#guard(key, async () => {
      try {
        return await read();
      } catch (error) {
        if (NOTHING.has(code(error) ?? '')) return undefined;
        throw error;
      }
    });
  }

  async #guard<T>(key: string, action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (cause) {
      if (cause instanceof CryfoldError) throw cause;
      if (cause instanceof SourceFailure) throw cause.cause;
      throw new CryfoldError('STORE_UNREACHABLE', `file store: ${key}: ${(cause as Error).message}`, {
        cause,
        context: { key },
        hint: 'Check that the folder exists and is writable, and that the disk is not full.',
      });
    }
  }
}
