import { tidyName } from './text/names.js';

/** Indices of a table's columns by meaning; -1 if a column is missing. */
export interface Columns {
  path: number;
  label: number;
  group: number;
  fold: number;
  /** Names of ignored columns, as written */
  ignored: string[];
}

export type ColumnName = 'path' | 'label' | 'group' | 'fold';

/** Common names of each column, most typical first. They are only suggested to the user, never used automatically. */
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
 * Finds the columns of a table by name, ignoring case and surrounding blanks.
 * @param wanted names to use instead of `path`, `label`, `group` or `fold`
 */
export function findColumns(header: readonly string[], wanted: Partial<Record<ColumnName, string>> = {}): Columns {
  const names = header.map(plain);
  const at = (column: ColumnName) => names.indexOf(plain(wanted[column] ?? column));
  const found = { path: at('path'), label: at('label'), group: at('group'), fold: at('fold') };
  const read = new Set(Object.values(found));
  return { ...found, ignored: header.filter((name, i) => !read.has(i) && plain(name) !== '') };
}

/**
 * If a column that is used occurs twice in the header (ignoring case and blanks), returns its name as written the
 * second time.
 */
export function repeatedColumn(header: readonly string[], { path, label, group, fold }: Columns): string | undefined {
  const read = new Set([path, label, group, fold].map((at) => plain(header[at] ?? '')));
  const names = header.map(plain);
  return header.find((_, i) => names[i] !== '' && read.has(names[i]) && names.indexOf(names[i]) < i);
}

/** Returns the column that the user probably meant, as written in the header. */
export function likelyColumn(header: readonly string[], column: ColumnName): string | undefined {
  return header.find((name) => LIKELY[column].test(squeezed(name)));
}

/** Maximum number of names to show, and maximum number of characters per name. */
const SHOWN = { names: 20, characters: 200 };

const shortened = (name: string) => tidyName(name).slice(0, SHOWN.characters);
const quoted = (name: string) => JSON.stringify(shortened(name));

/** Returns a list of column names, such as `a, b, c and 5 more`. */
export function listColumns(names: readonly string[], write = shortened): string {
  const rest = names.length - SHOWN.names;
  return `${names.slice(0, SHOWN.names).map(write).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}

/** Returns warnings about ignored columns. */
export function columnWarnings({ ignored, fold }: Columns): string[] {
  if (ignored.length === 0) return [];
  const folds = fold < 0 ? likelyColumn(ignored, 'fold') : undefined;
  return [
    `ignored columns: ${listColumns(ignored, quoted)}`,
    ...(folds === undefined
      ? []
      : [`column ${quoted(folds)} looks like folds: rename it to fold to use --protocol predefined`]),
  ];
}

/** If there is no group column, suggests a column that looks like one. */
export function groupColumnHints({ ignored, group }: Columns): string[] {
  const likely = group < 0 ? likelyColumn(ignored, 'group') : undefined;
  if (likely === undefined) return [];
  return [`column ${quoted(likely)} looks like a group: pass --group-by ${quoted(likely)}, or rename it to group`];
}
