import { readdir, stat } from 'node:fs/promises';
import { posix, resolve } from 'node:path';
import { checkRegular } from '@cryfold/core';
import { trimmed } from './names.js';

/** A file in a list: its path, absolute or relative as written, and its identity on disk. */
export interface ListedFile {
  file: string;
  id: string;
}

/** Names in a folder, keyed by their normalised form. */
interface Names {
  composed: Map<string, string>;
  folded: Map<string, string>;
}

const composed = (name: string) => name.normalize('NFC');
const folded = (name: string) => composed(name).toLowerCase();

/**
 * Finds files that a person or program has listed. If a path does not exist as written, it is also tried without
 * surrounding blanks, with `/` instead of `\`, and with names in any Unicode normalisation form. macOS and unzip create
 * decomposed names, which look the same but are not equal.
 */
export class ListedFiles {
  readonly #root: string;
  readonly #folders = new Map<string, Names>();

  /** @param root folder to which relative paths are relative */
  constructor(root: string) {
    this.#root = root;
  }

  /** @returns the file, or the reason why it was not found */
  async find(written: string): Promise<ListedFile | { why: string }> {
    const file = posix.normalize(written);
    const id = await this.#identify(file);
    if (id) return { file, id };
    const tried = posix.normalize(trimmed(written).replaceAll('\\', '/'));
    const actual = await this.#actual(tried, 'composed');
    const found = actual && (await this.#identify(actual));
    if (found) return { file: actual, id: found };
    return { why: await this.#why(written, file, tried) };
  }

  async #why(written: string, file: string, tried: string): Promise<string> {
    if (/^[a-z][a-z+.-]+:\/\//i.test(written)) return 'is a URL, not a path';
    if (written.startsWith('~')) return 'is not a file: ~ is not expanded';
    const entry = await stat(resolve(this.#root, file)).catch(() => undefined);
    if (entry) {
      try {
        checkRegular(entry, Number.POSITIVE_INFINITY);
      } catch (error) {
        return `is not a file: ${(error as Error).message}`;
      }
    }
    const other = await this.#actual(tried, 'folded');
    return other ? `is not a file; did you mean ${other}, which differs in case` : 'is not a file';
  }

  async #identify(file: string): Promise<string | undefined> {
    const path = resolve(this.#root, file);
    const entry = await stat(path, { bigint: true }).catch(() => undefined);
    if (!entry?.isFile()) return undefined;
    // Some network file systems do not have file numbers.
    return entry.ino === 0n ? path : `${entry.dev}:${entry.ino}`;
  }

  /** Returns the path, with each part spelled as on disk. */
  async #actual(path: string, how: keyof Names): Promise<string | undefined> {
    const key = { composed, folded }[how];
    let at = path.startsWith('/') ? '/' : '';
    for (const part of path.split('/').filter(Boolean)) {
      const name = part === '..' ? part : (await this.#names(at))[how].get(key(part));
      if (name === undefined) return undefined;
      at += `${name}/`;
    }
    return at.replace(/\/$/, '');
  }

  async #names(folder: string): Promise<Names> {
    const known = this.#folders.get(folder);
    if (known) return known;
    const names = await readdir(resolve(this.#root, folder)).catch(() => []);
    const found = {
      composed: new Map(names.map((name) => [composed(name), name])),
      folded: new Map(names.map((name) => [folded(name), name])),
    };
    this.#folders.set(folder, found);
    return found;
  }
}
