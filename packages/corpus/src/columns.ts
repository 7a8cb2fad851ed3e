import { tidyName } from './text/names.js';

/** Which column of a table is what, by its number; -1 where there is none. */
export interface Columns {
  path: number;
  label: number;
  group: number;
  fold: number;
  /** Names of the columns that are not read, as written */
  ignored: string[];
}

export type ColumnName = 'path' | 'label' | 'group' | 'fold';

/** Names that people give to the columns, most telling first; only suggested, never read. */
const LIKELY: Readonly<Record<ColumnName, RegExp>> = {
  path: /^(file|filename|filepath|audio|audiofile|wav|recording)s?$/,
  label: /^(class|category|target|reason|y|labels|classname|classid)$/,
  group:
    /^(groups|groupid|(infant|baby|child|subject|speaker|patient|person|participant|animal|individual|user|instance|device|session|source|srcfile|fsid)s?(id|name|code)?)$/,
  fold: /^(folds|foldid|split|set|partition|subset)$/,
};

const plain = (name: string) => tidyName(name).toLowerCase();
const squeezed = (name: string) => plain(name).replace(/[^\p{L}\p{N}]/gu, '');

/**
 * Finds the columns of a table by their names, in any case and with blanks around them.
 * @param wanted what a column is called where it is not `path`, `label`, `group` or `fold`
 */
export function findColumns(header: readonly string[], wanted: Partial<Record<ColumnName, string>> = {}): Columns {
  const names = header.map(plain);
  const at = (column: ColumnName) => names.indexOf(plain(wanted[column] ?? column));
  const found = { path: at('path'), label: at('label'), group: at('group'), fold: at('fold') };
  const read = new Set(Object.values(found));
  return { ...found, ignored: header.filter((name, i) => !read.has(i) && plain(name) !== '') };
}

/** The name of a column that is read and stands twice in a header, in any case and with blanks, as written the second time. */
export function repeatedColumn(header: readonly string[], { path, label, group, fold }: Columns): string | undefined {
  const read = new Set([path, label, group, fold].map((at) => plain(header[at] ?? '')));
  const names = header.map(plain);
  return header.find((_, i) => names[i] !== '' && read.has(names[i]) && names.indexOf(names[i]) < i);
}

/** The column that is probably meant, as written. */
export function likelyColumn(header: readonly string[], column: ColumnName): string | undefined {
  return header.find((name) => LIKELY[column].test(squeezed(name)));
}

/** How many names are shown, and how many characters of each. */
const SHOWN = { names: 20, characters: 200 };

const shortened = (name: string) => tidyName(name).slice(0, SHOWN.characters);
const quoted = (name: string) => JSON.stringify(shortened(name));

/** Names of columns, such as `a, b, c and 5 more`. */
export function listColumns(names: readonly string[], write = shortened): string {
  const rest = names.length - SHOWN.names;
  return `${names.slice(0, SHOWN.names).map(write).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}

/** What a user must know of the columns that are not read. */
export function columnWarnings({ ignored, fold }: Columns): string[] {
  if (ignored.length === 0) return [];
  const folds = fold < 0 ? likelyColumn(ignored, 'fold') : undefined;
  return [
    `ignored columns: ${listColumns(ignored, quoted)}`,
    ...(folds === undefined
      ? []
      : [`column ${quoted(folds)} looks like folds: name it fold for --protocol predefined`]),
  ];
}

/** The column that looks like a group where none is one, with what to type. */
export function groupColumnHints({ ignored, group }: Columns): string[] {
  const likely = group < 0 ? likelyColumn(ignored, 'group') : undefined;
  if (likely === undefined) return [];
  return [`column ${quoted(likely)} looks like a group: pass --group-by ${quoted(likely)}, or name it group`];
}
