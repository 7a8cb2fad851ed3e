import { dirname, posix, relative, resolve } from 'node:path';
import { CryfoldError, NO_GROUPS, readRegularText } from '@cryfold/core';
import {
  type ColumnName,
  type Columns,
  columnWarnings,
  findColumns,
  groupColumnHints,
  likelyColumn,
  repeatedColumn,
} from './columns.js';
import { segmentWarning } from './groups/segments.js';
import { isFile } from './layouts/is-file.js';
import type { Reading } from './layouts/layout.js';
import type { Recording } from './recording.js';

/** Bytes of the largest manifest that is read: about 600,000 recordings. */
const LARGEST = 2 ** 26;

/** Characters of a column's name that are kept. */
const LONGEST_NAME = 200;

/** Whether a data path means a CSV manifest rather than a directory. */
export function isManifest(path: string): boolean {
  return /\.csv$/i.test(path);
}

/** A CSV table with a header. */
export interface Table {
  header: string[];
  /** The line that the header stands in, from 1 */
  line: number;
  rows: { fields: string[]; line: number }[];
  invalid: (line: number, why: string, hint: string) => CryfoldError;
  /**
   * The rows as records, by column names trimmed; empty names are left out.
   * @throws CryfoldError DATA_MANIFEST_INVALID where a needed column is missing
   */
  records(needed: readonly string[]): Record<string, string>[];
}

/**
 * Reads a CSV table (RFC 4180, UTF-8).
 * @throws CryfoldError DATA_NOT_FOUND; DATA_MANIFEST_INVALID with the line where it is broken
 */
export async function readTable(path: string): Promise<Table> {
  const invalid: Table['invalid'] = (line, why, hint) =>
    new CryfoldError('DATA_MANIFEST_INVALID', `${path}:${line}: ${why}`, { context: { file: path, line }, hint });
  const text = await readRegularText(path, LARGEST).catch((cause: Error) => {
    throw new CryfoldError('DATA_NOT_FOUND', `${path}: is not a manifest that can be read: ${cause.message}`, {
      context: { path },
      hint: 'Give a directory of WAV files or a .csv manifest with --data.',
      cause,
    });
  });
  const [header, ...rows] = parseCsv(text.replace(/^\uFEFF/, ''), (line, why) =>
    invalid(line, why, 'Quote fields as RFC 4180 says: "a ""quoted"" field".'),
  );
  if (!header) throw invalid(1, 'the manifest is empty', 'Start it with the line path,label,group.');
  for (const { fields, line } of rows) {
    if (fields.length === header.fields.length) continue;
    const why = `${fields.length} fields under ${header.fields.length} columns`;
    throw invalid(line, why, 'Correct this line; a field with a comma needs quotes.');
  }
  const names = header.fields.map((name) => name.trim());
  const records: Table['records'] = (needed) => {
    const lacking = needed.find((name) => !names.includes(name));
    if (lacking !== undefined)
      throw invalid(header.line, `no column is named ${lacking}`, `It has: ${names.join(', ')}.`);
    return rows.map(({ fields }) => {
      const record: Record<string, string> = Object.create(null);
      for (const [i, name] of names.entries()) if (name !== '') record[name] = fields[i].trim();
      return record;
    });
  };
  return { header: header.fields, line: header.line, rows, invalid, records };
}

export interface TableOptions {
  /** Fail where no column is named `fold` */
  folds?: boolean | undefined;
  /** What `--group-by` says; where it is a column's name, that column gives the groups */
  groupBy?: string | undefined;
}

/**
 * Reads a CSV manifest with the columns `path`, `label` and, if they are known, `group` and `fold`, in any order, any
 * case and with blanks around them. Others are named in `warnings`. Paths are relative to the manifest. Without a group,
 * or where it is empty, the recording is its own group. Recordings come in the order of the rows.
 *
 * A row with an empty value or a missing file is an error of its recording, so that --skip-bad can leave it out.
 * @throws CryfoldError DATA_NOT_FOUND, DATA_EMPTY, and DATA_MANIFEST_INVALID with the line where the table is broken
 */
export async function readManifest(path: string, options: TableOptions = {}) {
  const root = dirname(resolve(path));
  const reading = await readRows(path, { root, ...options });
  return { ...reading, root, reader: 'manifest' };
}

/** What `readRows` knows besides the table. */
interface RowsOptions extends TableOptions {
  /** Directory that the recordings' paths are relative to */
  root: string;
  /** What the column of paths is called, `path` unless given */
  path?: string;
}

/** As `readManifest`, of any table that lies at or below `root`; its paths are relative to the table. */
export async function readRows(path: string, options: RowsOptions): Promise<Reading & { byColumn: boolean }> {
  const table = await readTable(path);
  const { columns, byColumn } = columnsOf(table, options);
  const at = (fields: readonly string[], column: ColumnName) => fields[columns[column]] ?? '';
  const folder = relative(options.root, dirname(resolve(path))).replaceAll('\\', '/');
  const lines = new Map<string, number>();
  const recordings: Recording[] = [];
  let named = 0;
  for (const { fields, line } of table.rows) {
    const [written, label, group] = [at(fields, 'path'), at(fields, 'label'), at(fields, 'group')];
    const file = posix.normalize(folder === '' ? written : `${folder}/${written}`);
    const reject = (why: string, hint: string) => recordings.push({ file, error: table.invalid(line, why, hint) });
    if (written.trim() === '') reject('path is empty', 'Fill it in or remove the line.');
    else if (label.trim() === '') reject(`label is empty for ${written}`, 'Fill it in or remove the line.');
    else if (lines.has(file)) {
      reject(`${written} is also in line ${lines.get(file)}`, 'Remove one: a recording has one label and one group.');
    } else if (!(await isFile(resolve(options.root, file)))) {
      reject(`${written} is not a file`, 'Paths are relative to the manifest. Correct it, or pass --skip-bad.');
    } else {
      const fold = columns.fold < 0 ? {} : { fold: at(fields, 'fold').trim() };
      if (group.trim() !== '') named++;
      recordings.push({ file, label, group: group.trim() === '' ? file : group, ...fold });
      lines.set(file, line);
    }
  }
  if (recordings.length === 0) {
    throw new CryfoldError('DATA_EMPTY', `${path}: lists no recording`, {
      context: { path },
      hint: 'Add one line per recording below path,label,group.',
    });
  }
  const segments = named === 0 ? segmentWarning([...lines.keys()]) : undefined;
  const unnamed = lines.size - named;
  return {
    recordings,
    byColumn,
    groupSource:
      named === 0
        ? NO_GROUPS
        : {
            kind: 'column',
            name: table.header[columns.group].trim().slice(0, LONGEST_NAME),
            ...(unnamed > 0 ? { partial: true } : {}),
          },
    warnings: [
      ...columnWarnings(columns),
      ...(named > 0 && unnamed > 0 ? [`${unnamed} of ${lines.size} recordings have no group: each is its own`] : []),
    ],
    groupHints: [...groupColumnHints(columns), ...(segments ? [segments] : [])],
  };
}

/** @throws CryfoldError DATA_MANIFEST_INVALID */
function columnsOf({ header, line, invalid }: Table, { path, folds, groupBy }: RowsOptions) {
  const twice = repeatedColumn(header);
  if (twice !== undefined) {
    throw invalid(
      line,
      `two columns are named ${twice.trim()}`,
      'Rename one: case and blanks do not tell columns apart.',
    );
  }
  const byColumn = groupBy !== undefined && findColumns(header, { group: groupBy }).group >= 0;
  const columns: Columns = findColumns(header, { ...(path && { path }), ...(byColumn && { group: groupBy }) });
  const need = (column: ColumnName, name: string, hint: string) => {
    if (columns[column] >= 0) return;
    const likely = likelyColumn(columns.ignored, column);
    const rename = likely === undefined ? '' : `Rename ${likely.trim()} to ${name}. `;
    throw invalid(line, `no column is named ${name}`, `${rename}${hint}`);
  };
  const named = `Name the columns path,label,group; this line has ${header.map((name) => name.trim()).join(', ')}.`;
  need('path', path ?? 'path', named);
  need('label', 'label', named);
  if (folds) need('fold', 'fold', 'PredefinedSplit needs a column that names the fold which tests each recording.');
  return { columns, byColumn };
}

/** RFC 4180 records, each with the line it starts on; lines without any character are passed over. */
function parseCsv(text: string, invalid: (line: number, why: string) => CryfoldError) {
  const records: { line: number; fields: string[] }[] = [];
  const field = /(?:"([^"]*(?:""[^"]*)*)"|([^",\r\n]*))(,|\r?\n|$)/y;
  let line = 1;
  while (field.lastIndex < text.length) {
    const record = { line, fields: [] as string[] };
    let end = ',';
    while (end === ',') {
      const match = field.exec(text);
      if (!match)
        throw invalid(
          line,
          'a quote is not closed or stands within an unquoted field, or a carriage return stands alone',
        );
      record.fields.push(match[1]?.replaceAll('""', '"') ?? match[2]);
      line += match[0].split('\n').length - 1;
      end = match[3];
    }
    if (record.fields.length > 1 || record.fields[0] !== '') records.push(record);
  }
  return records;
}
