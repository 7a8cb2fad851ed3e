import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CryfoldError } from '@cryfold/core';
import { type ArtifactInfo, type ArtifactStore, checkCommitsOnce, checkKey } from './artifact-store.js';

const STAGING = '.staging';
/** Where a file is asked for: there is none, a file stands where a folder is needed, or a folder where the file is. */
const NOTHING = new Set(['ENOENT', 'ENOTDIR', 'EISDIR']);

function code(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}

/**
 * Artifacts as files below a root. A put is staged on the same file system, flushed, then renamed (replace) or
 * hard-linked (if absent): link(2) fails where the name exists, so exactly one of many processes wins.
 */
export class FileStore implements ArtifactStore {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  async check(): Promise<void> {
    await checkCommitsOnce(this);
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    return this.#absent(key, () => readFile(this.#path(key)));
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
    return this.#staged(key, bytes, async (staged, target) => {
      try {
        await link(staged, target);
        return true;
      } catch (error) {
        if (code(error) === 'EEXIST') return false;
        throw error;
      }
    });
  }

  async *list(prefix: string): AsyncIterable<string> {
    const base = prefix === '' ? '' : `${checkKey(prefix.replace(/\/$/, ''))}/`;
    const entries = await this.#absent(prefix, () => readdir(join(this.#root, base), { withFileTypes: true }));
    // Code-unit order of whole keys: a folder sorts as its name with the slash.
    const names = (entries ?? [])
      .filter((entry) => !entry.name.startsWith('.'))
      .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name));
    for (const name of names.sort()) {
      if (name.endsWith('/')) yield* this.list(base + name);
      else yield base + name;
    }
  }

  async delete(key: string): Promise<void> {
    await this.#guard(key, () => rm(this.#path(key), { force: true }));
  }

  async close(): Promise<void> {}

  #path(key: string): string {
    return join(this.#root, ...checkKey(key).split('/'));
  }

  async #staged<T>(key: string, bytes: Uint8Array, commit: (staged: string, target: string) => Promise<T>): Promise<T> {
    const target = this.#path(key);
    return this.#guard(key, async () => {
      await mkdir(join(this.#root, STAGING), { recursive: true });
      await mkdir(dirname(target), { recursive: true });
      const staged = join(this.#root, STAGING, randomBytes(12).toString('hex'));
      try {
        const file = await open(staged, 'wx');
        try {
          await file.writeFile(bytes);
          await file.sync();
        } finally {
          await file.close();
        }
        const result = await commit(staged, target);
        // The name must survive a power cut as well as the bytes.
        const folder = await open(dirname(target), 'r');
        await folder.sync().finally(() => folder.close());
        return result;
      } finally {
        await rm(staged, { force: true });
      }
    });
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
      throw new CryfoldError('STORE_UNREACHABLE', `file store: ${key}: ${(cause as Error).message}`, {
        cause,
        context: { key },
        hint: 'Check that the folder exists, is writable and that the disk is not full.',
      });
    }
  }
}
