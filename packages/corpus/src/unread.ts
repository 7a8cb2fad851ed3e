import { endingOf } from './audio/registry.js';

/** Files that are no recordings, of one ending. */
export interface Unread {
  /** Lower case, without the dot; empty for files without one */
  ending: string;
  files: number;
  /** Paths of the first few */
  first: string[];
}

/** Files named for each ending, endings counted apart, and folders remembered. */
const NAMED = 3;
const ENDINGS = 100;
const FOLDERS = 10_000;

/** Endings of what lies beside recordings and is none. */
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

/** Counts the files of a directory that are not read, in bounded memory. */
export class UnreadFiles {
  readonly #endings = new Map<string, Unread>();
  /** First folders with files that may be recordings, and one of these */
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

  /** By how many files there are, most first. */
  list(): Unread[] {
    return [...this.#endings.values()].sort((a, b) => b.files - a.files || (a.ending < b.ending ? -1 : 1));
  }

  /** First folders from which no file is read although some may be recordings, with one of these. */
  lost(read: readonly string[]): { folder: string; file: string }[] {
    const found = new Set(read.map((path) => path.slice(0, Math.max(0, path.indexOf('/')))));
    return Array.from(this.#folders, ([folder, file]) => ({ folder, file })).filter(({ folder }) => !found.has(folder));
  }
}

/** Such as `3 .txt files (a.txt, b.txt, ...), 1 file without ending (README)`; empty for none. */
export function describeUnread(unread: readonly Unread[]): string {
  return unread
    .map(({ ending, files, first }) => {
      const kind = ending === '' ? '' : ending === 'other' ? 'other ' : `.${ending} `;
      const what = `${files} ${kind}${files === 1 ? 'file' : 'files'}${ending === '' ? ' without extension' : ''}`;
      return `${what} (${first.join(', ')}${files > first.length ? ', ...' : ''})`;
    })
    .join('; ');
}
