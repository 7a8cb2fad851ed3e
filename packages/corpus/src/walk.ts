import { isUtf8 } from 'node:buffer';
import type { BigIntStats, Dirent } from 'node:fs';
import { opendir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CryfoldError, checkRegular } from '@cryfold/core';
import { UnreadFiles } from './unread.js';

/** Limits of the search, so that `/` or a shared `/tmp` is not searched completely. */
export interface WalkLimits {
  /** Maximum number of files and folders of all kinds. A run has at most 200,000 clips. */
  entries: number;
  /**
   * Once this number of files and folders has been found, at least one in a hundred must be a recording. Otherwise, the
   * search fails, because this is probably the wrong directory.
   */
  sparse: number;
  /** Maximum depth of folders. */
  depth: number;
}

export const WALK_LIMITS: WalkLimits = { entries: 1_000_000, sparse: 100_000, depth: 32 };

/** Number of entries to read from the file system at a time. */
const CHUNK = 1024;

/** Folders in which macOS and Synology store file metadata, under the same names as the files. */
const NOTES = new Set(['__MACOSX', '@eaDir']);

export interface WalkedTree {
  /** Paths of the recordings relative to the root, with `/`, sorted by code unit */
  files: string[];
  /** Unreadable paths, and additional paths of files that were already read; sorted by path */
  skipped: CryfoldError[];
  /** Files that are not recordings, judged by name */
  unread: UnreadFiles;
}

/**
 * Finds the recordings in a directory and its subfolders. Skips names that start with a dot. Follows links, but reads
 * each file and folder on disk only once: under its own path if that is inside the directory, otherwise under the first
 * link to it. Unreadable entries are skipped and listed with their path and the cause.
 * @param root absolute
 * @param isRecording whether a file with that name is a recording
 * @param limits set by tests
 * @throws CryfoldError DATA_TOO_LARGE, and the file system error if the root cannot be read
 */
export async function walkTree(
  root: string,
  isRecording: (name: string) => boolean,
  limits: WalkLimits = WALK_LIMITS,
): Promise<WalkedTree> {
  return new Walk(root, isRecording, limits).run();
}

interface Found {
  path: string;
  id: string;
}

class Walk {
  readonly #root: string;
  readonly #isRecording: (name: string) => boolean;
  readonly #limits: WalkLimits;
  /** The path of each folder and file that was found, by its identity on disk */
  readonly #seen = new Map<string, string>();
  readonly #folders: Found[] = [];
  readonly #linkedFolders: Found[] = [];
  readonly #files: Found[] = [];
  readonly #linkedFiles: Found[] = [];
  readonly #skipped: CryfoldError[] = [];
  readonly #unread = new UnreadFiles();
  #entries = 0;

  constructor(root: string, isRecording: (name: string) => boolean, limits: WalkLimits) {
    this.#root = root;
    this.#isRecording = isRecording;
    this.#limits = limits;
  }

  async run(): Promise<WalkedTree> {
    this.#folders.push({ path: '', id: identify(await stat(this.#root, { bigint: true }), '') });
    // Folders are visited before links to folders, so that a folder that is also linked to keeps its own path.
    for (let at = this.#next(); at !== undefined; at = this.#next()) {
      if (!this.#isNew(at, 'folder')) continue;
      try {
        await this.#read(at.path);
      } catch (error) {
        if (at.path === '' || error instanceof CryfoldError) throw error;
        this.#skip(at.path, `is a folder that cannot be read: ${reasonOf(error)}`);
      }
    }
    const found = [...this.#files.sort(byPath), ...this.#linkedFiles.sort(byPath)];
    const files = found.filter((file) => this.#isNew(file, 'file')).map(({ path }) => path);
    const skipped = this.#skipped.sort((a, b) => (a.message < b.message ? -1 : 1));
    return { files: files.sort(), skipped, unread: this.#unread };
  }

  #next(): Found | undefined {
    const folder = this.#folders.pop();
    if (folder) return folder;
    this.#linkedFolders.sort(byPath);
    return this.#linkedFolders.shift();
  }

  #isNew({ path, id }: Found, what: string): boolean {
    const first = this.#seen.get(id);
    if (first === undefined) this.#seen.set(id, path);
    else {
      const why = `is the same ${what} as ${first || 'the directory itself'}, which was already read`;
      this.#skipped.push(
        leftOut('DATA_READ_ALREADY', path, why, 'You can remove or keep it, because its sound is used only once.'),
      );
    }
    return first === undefined;
  }

  async #read(folder: string): Promise<void> {
    // Names are read as bytes, since decoding a name that is not UTF-8 would produce the name of a different file, or
    // of no file.
    const entries = await opendir(join(this.#root, folder), {
      encoding: 'buffer' as BufferEncoding,
      bufferSize: CHUNK,
    });
    for await (const entry of entries) {
      this.#count();
      const bytes = entry.name as unknown as Buffer;
      const readable = isUtf8(bytes);
      const name = bytes.toString(readable ? 'utf8' : 'latin1');
      if (name.startsWith('.') || NOTES.has(name)) continue;
      const path = folder === '' ? name : `${folder}/${name}`;
      if (readable) await this.#add(path, name, entry);
      else if (entry.isDirectory() || this.#isRecording(name)) {
        const why = 'has a name that is not UTF-8, but probably Latin-1 as shown here';
        this.#skip(path, why, 'Rename it, for example with convmv -r -f latin1 -t utf8 --notest DIRECTORY.');
      }
    }
  }

  async #add(path: string, name: string, entry: Dirent): Promise<void> {
    const recording = this.#isRecording(name);
    if (!recording && !entry.isDirectory() && !entry.isSymbolicLink()) {
      this.#unread.add(path);
      return;
    }
    const linked = entry.isSymbolicLink();
    let found: BigIntStats;
    try {
      found = await stat(join(this.#root, path), { bigint: true });
    } catch (error) {
      // If the path was found through a link, the message describes the problem with the link.
      this.#skip(path, linked ? reasonOfLink(error) : `cannot be read: ${reasonOf(error)}`);
      return;
    }
    const id = identify(found, path);
    if (found.isDirectory()) {
      if (recording) this.#skip(path, 'is a folder, not a recording; recordings inside it are read');
      if (path.split('/').length > this.#limits.depth) {
        this.#skip(path, `is nested deeper than ${this.#limits.depth} folders and is not read`);
      } else (linked ? this.#linkedFolders : this.#folders).push({ path, id });
    } else if (recording) {
      if (found.isFile()) (linked ? this.#linkedFiles : this.#files).push({ path, id });
      else this.#skip(path, `cannot be read: ${kindOf(found)}`);
    } else this.#unread.add(path);
  }

  #skip(path: string, why: string, hint = 'Repair or remove it, or ignore this if no recording is missing.'): void {
    this.#skipped.push(leftOut('DATA_UNREADABLE', path, why, hint));
  }

  #count(): void {
    const { entries, sparse } = this.#limits;
    const recordings = this.#files.length + this.#linkedFiles.length;
    const few = this.#entries === sparse && recordings * 100 < sparse;
    if (++this.#entries <= entries && !few) return;
    const why = few
      ? `only ${recordings} of the first ${sparse} files and folders are recordings`
      : `contains more than ${entries} files and folders`;
    throw new CryfoldError('DATA_TOO_LARGE', `${this.#root}: ${why}`, {
      context: { path: this.#root, entries: this.#entries },
      hint: 'Pass the directory of the recordings, or a CSV manifest with the columns path,label,group that lists them.',
    });
  }
}

function leftOut(code: 'DATA_UNREADABLE' | 'DATA_READ_ALREADY', file: string, why: string, hint: string): CryfoldError {
  return new CryfoldError(code, `${file}: ${why}`, { context: { file }, hint });
}

const byPath = (a: Found, b: Found): number => (a.path < b.path ? -1 : 1);

/** Some network file systems do not have file numbers. */
const identify = ({ dev, ino }: BigIntStats, path: string): string => (ino === 0n ? path : `${dev}:${ino}`);

/** Returns the file system's message without the path, whose spelling may differ. */
const reasonOf = (error: unknown): string => (error as Error).message.split(', ')[0];

function reasonOfLink(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'is a dangling link';
  return code === 'ELOOP' ? 'is a link to itself' : `is a link that cannot be followed: ${reasonOf(error)}`;
}

/** Returns text such as `it is a named pipe, not a regular file`. */
function kindOf(entry: BigIntStats): string {
  try {
    checkRegular(entry, Number.POSITIVE_INFINITY);
  } catch (error) {
    return (error as Error).message;
  }
  return '';
}
