import { basename, dirname, isAbsolute, posix, relative, resolve, sep } from 'node:path';
import { CryfoldError, type GroupSource, NO_GROUPS } from '@cryfold/core';
import {
  type ColumnName,
  type Columns,
  columnWarnings,
  findColumns,
  groupColumnHints,
  likelyColumn,
  listColumns,
  repeatedColumn,
} from './columns.js';
import { segmentWarning } from './groups/segments.js';
import type { Reading } from './layouts/layout.js';
import type { Recording } from './recording.js';
import { ROW_HINT, readTable, type Table } from './table.js';
import type { CsvRecord } from './text/csv.js';
import { ListedFiles } from './text/listed-files.js';
import { tidyName } from './text/names.js';

/** Column names are truncated to this length. */
const LONGEST_NAME = 200;

const MANIFEST = /\.(csv|tsv)$/i;

/** Whether a path leads to a manifest rather than a directory. */
export function isManifest(path: string): boolean {
  return MANIFEST.test(path);
}

/** The last part of a path, without the extension of a manifest. */
export function datasetName(path: string): string {
  return basename(resolve(path)).replace(MANIFEST, '');
}

export interface TableOptions {
  /** Whether to fail if there is no `fold` column */
  folds?: boolean | undefined;
  /** Value of `--group-by`; if a column has this name, it contains the groups */
  groupBy?: string | undefined;
}

/**
 * Reads a manifest: a table as parsed by `parseCsv` with the columns `path`, `label` and optionally `group` and `fold`,
 * in any order and case. `warnings` lists all other columns. Paths are relative to the manifest, and resolved by
 * `ListedFiles`. A recording without a group is its own group. Recordings keep the order of the rows, and labels and
 * groups keep their spelling. If a row has an empty value, a missing file or the file of an earlier row, the recording
 * of that row gets an error, so that --skip-bad can skip it.
 * @throws CryfoldError DATA_NOT_FOUND, DATA_EMPTY, DATA_TOO_LARGE, and DATA_MANIFEST_INVALID with the invalid line
 */
export async function readManifest(path: string, options: TableOptions = {}) {
  const root = dirname(resolve(path));
  const reading = await readRows(path, { root, ...options });
  return { ...reading, root, reader: 'manifest', skipped: [] };
}

/** Options of `readRows` in addition to those of the table. */
interface RowsOptions extends TableOptions {
  /** Directory to which the recordings' paths are relative */
  root: string;
  /** Name of the column that contains the paths; default `path` */
  path?: string;
}

/** State that is kept while the rows of a table are read. */
interface Rows {
  table: Table;
  columns: Columns;
  files: ListedFiles;
  /** Where each file was first listed, by its identity on disk */
  seen: Map<string, { line: number; written: string }>;
  /** Converts a path relative to the table to one relative to the root */
  below: (path: string) => string;
}

/**
 * Like `readManifest`, but for any table in `root` or a folder below it. Paths in the table are relative to the table.
 */
export async function readRows(
  path: string,
  options: RowsOptions,
): Promise<Reading & { byColumn: boolean; columns: readonly string[] }> {
  const table = await readTable(path);
  const { columns, byColumn } = columnsOf(table, options);
  const own = dirname(resolve(path));
  const folder = relative(options.root, own).split(sep).join('/');
  const below = (file: string) => posix.normalize(folder === '' || isAbsolute(file) ? file : `${folder}/${file}`);
  const rows: Rows = { table, columns, files: new ListedFiles(own), seen: new Map(), below };
  const recordings: Recording[] = [];
  const labelled: string[] = [];
  let named = 0;
  for (const row of table.rows) {
    const recording = await readRow(row, rows);
    recordings.push(recording);
    if ('error' in recording) continue;
    labelled.push(recording.file);
    if (tidyName(row.fields[columns.group] ?? '') !== '') named++;
  }
  if (recordings.length === 0) {
    throw new CryfoldError('DATA_EMPTY', `${path}: does not list any recording`, {
      context: { path },
      hint: 'Add one line per recording below the header line path,label,group.',
    });
  }
  const unnamed = labelled.length - named;
  const segments = named === 0 ? segmentWarning(labelled) : undefined;
  const partial = named > 0 && unnamed > 0;
  return {
    recordings,
    byColumn,
    columns: table.header,
    groupSource: named === 0 ? NO_GROUPS : columnSource(table.header[columns.group], partial),
    warnings: [
      ...columnWarnings(columns),
      ...(partial ? [`${unnamed} of ${labelled.length} recordings have no group; each counts as its own group`] : []),
    ],
    groupHints: [...groupColumnHints(columns), ...(segments ? [segments] : [])],
  };
}

const columnSource = (name: string, partial: boolean): GroupSource => ({
  kind: 'column',
  name: tidyName(name).slice(0, LONGEST_NAME),
  ...(partial ? { partial: true } : {}),
});

async function readRow({ fields, line }: CsvRecord, rows: Rows): Promise<Recording> {
  const { table, columns, files, seen, below } = rows;
  const at = (column: ColumnName) => fields[columns[column]] ?? '';
  const [written, label, group] = [at('path'), at('label'), at('group')];
  const reject = (why: string, hint: string) => ({ file: below(written), error: table.invalid(line, why, hint) });
  const misfit = table.misfit(fields);
  if (misfit !== undefined) return reject(misfit, ROW_HINT);
  if (tidyName(written) === '') return reject('path is empty', 'Enter a value or remove the line.');
  if (tidyName(label) === '') return reject(`label is empty for ${written}`, 'Enter a value or remove the line.');
  const found = await files.find(written);
  if ('why' in found) {
    return reject(
      `${written} ${found.why}`,
      'Correct the path, which is relative to the manifest, or pass --skip-bad.',
    );
  }
  const first = seen.get(found.id);
  if (first) {
    const spelled = first.written === written ? '' : `, as ${first.written}`;
    const hint = 'Remove one of the lines: a recording can have only one label and one group.';
    return reject(`${written} is also on line ${first.line}${spelled}`, hint);
  }
  seen.set(found.id, { line, written });
  const file = below(found.file);
  const fold = columns.fold < 0 ? {} : { fold: tidyName(at('fold')) };
  return { file, label, group: tidyName(group) === '' ? file : group, ...fold };
}

/** @throws CryfoldError DATA_MANIFEST_INVALID */
function columnsOf({ header, line, invalid }: Table, { path, folds, groupBy }: RowsOptions) {
  const byColumn = groupBy !== undefined && findColumns(header, { group: groupBy }).group >= 0;
  const wanted = { ...(path && { path }), ...(byColumn && { group: groupBy }) };
  const columns: Columns = findColumns(header, wanted);
  const twice = repeatedColumn(header, columns);
  if (twice !== undefined) {
    throw invalid(
      line,
      `two columns are named ${tidyName(twice)}`,
      'Rename or remove one of them: names that differ only in case and blanks count as equal.',
    );
  }
  const need = (column: ColumnName, name: string, hint: string) => {
    if (columns[column] >= 0) return;
    const likely = likelyColumn(columns.ignored, column);
    const rename = likely === undefined ? '' : `Rename ${tidyName(likely)} to ${name}. `;
    throw invalid(line, `there is no column ${name}`, `${rename}${hint}`);
  };
  const named = `The columns must be named path,label,group, but this line has ${listColumns(header)}.`;
  need('path', path ?? 'path', named);
  need('label', 'label', named);
  if (folds)
    need('fold', 'fold', 'PredefinedSplit needs a column that contains the fold in which each recording is tested.');
  return { columns, byColumn };
}
