import { endingOf } from './audio/registry.js';

/** Files that are not recordings and have the same extension. */
export interface Unread {
  /** Lower case, without the dot; empty for files without one */
  ending: string;
  files: number;
  /** Paths of the first few files */
  first: string[];
}

/** Maximum number of files to list per extension, of extensions to list, and of folders to remember. */
const NAMED = 3;
const ENDINGS = 100;
const FOLDERS = 10_000;

/** Extensions of common files that are not recordings. */
const BESIDE: ReadonlySet<string> = new Set([
  ...[
    'txt',
    'md',
    'rst',
    'csv',
    'tsv',
    'json',
    'jsonl',
    'xml',
    'yaml',
    'yml',
    'toml',
    'ini',
    'log',
    'html',
    'htm',
    'pdf',
  ],
  ...[
    'doc',
    'docx',
    'odt',
    'xls',
    'xlsx',
    'ods',
    'png',
    'jpg',
    'jpeg',
    'gif',
    'svg',
    'bmp',
    'py',
    'ipynb',
    'm',
    'r',
    'sh',
  ],
  ...['js', 'ts', 'bib', 'tex', 'lab', 'textgrid', 'eaf', 'sha256', 'md5', 'db', 'lnk', 'url', 'license'],
]);

/** Counts the ignored files of a directory, in bounded memory. */
export class UnreadFiles {
  readonly #endings = new Map<string, Unread>();
  /** Top-level folders that contain files that may be recordings, each with one such file as an example */
  readonly #folders = new Map<string, string>();

  add(path: string): void {
    const ending = endingOf(path);
    const known = this.#endings.get(ending);
    const entry = known ?? { ending: this.#endings.size < ENDINGS ? ending : 'other', files: 0, first: [] };
    const kept = this.#endings.get(entry.ending) ?? entry;
    this.#endings.set(kept.ending, kept);
    kept.files++;
    if (kept.first.length < NAMED) kept.first.push(path);
    const slash = path.indexOf('/');
    if (slash < 0 || ending === '' || BESIDE.has(ending) || this.#folders.size >= FOLDERS) return;
    const folder = path.slice(0, slash);
    if (!this.#folders.has(folder)) this.#folders.set(folder, path);
  }

  /** Sorted by number of files, largest first. */
  list(): Unread[] {
    return [...this.#endings.values()].sort((a, b) => b.files - a.files || (a.ending < b.ending ? -1 : 1));
  }

  /**
   * Returns top-level folders in which no recording was read, although some files may be recordings, each with one such
   * file as an example.
   */
  lost(read: readonly string[]): { folder: string; file: string }[] {
    const found = new Set(read.map((path) => path.slice(0, Math.max(0, path.indexOf('/')))));
    return Array.from(this.#folders, ([folder, file]) => ({ folder, file })).filter(({ folder }) => !found.has(folder));
  }
}

/**
 * Returns a description such as `3 .txt files (a.txt, b.txt, ...), 1 file without extension (README)`; empty if there
 * are no such files.
 */
export function describeUnread(unread: readonly Unread[]): string {
  return unread
    .map(({ ending, files, first }) => {
      const kind = ending === '' ? '' : ending === 'other' ? 'other ' : `.${ending} `;
      const what = `${files} ${kind}${files === 1 ? 'file' : 'files'}${ending === '' ? ' without extension' : ''}`;
      return `${what} (${first.join(', ')}${files > first.length ? ', ...' : ''})`;
    })
    .join('; ');
}
