import { CryfoldError, EncodingError, readRegularText } from '@cryfold/core';
import { listColumns } from './columns.js';
import { type CsvRecord, parseCsv } from './text/csv.js';
import { tidyName } from './text/names.js';

/** Maximum size of a table in bytes, which is enough for about 600,000 recordings. */
const LARGEST = 2 ** 26;
/**
 * Maximum number of rows. A table of `LARGEST` bytes could contain more rows only if the rows were too short to be
 * valid.
 */
const MOST_ROWS = 1_000_000;

/** Hint for a row that does not match the header. */
export const ROW_HINT = 'Correct this line. A field that contains a comma must be quoted.';

/** A table with a header, as parsed by `parseCsv`. */
export interface Table {
  /** Names of the columns, as written */
  header: readonly string[];
  /** Line number of the header, starting at 1 */
  line: number;
  /**
   * The rows after the header. They are read lazily and only once.
   * @throws CryfoldError DATA_MANIFEST_INVALID, DATA_TOO_LARGE
   */
  rows: Iterable<CsvRecord>;
  /**
   * Returns the reason why a row does not match the header, or undefined if it does. Empty fields at the end are
   * ignored.
   */
  misfit(fields: readonly string[]): string | undefined;
  /** Creates the error for a line. */
  invalid(line: number, why: string, hint: string): CryfoldError;
}

/**
 * Reads the header of a table, and its rows one by one.
 * @throws CryfoldError DATA_NOT_FOUND; DATA_MANIFEST_INVALID with the invalid line
 */
export async function readTable(path: string): Promise<Table> {
  const text = await readText(path);
  const parsed = parseCsv(text, (line, why) =>
    invalid(path, line, why, 'Quote fields as in RFC 4180: "a ""quoted"" field".'),
  );
  const header: CsvRecord | undefined = parsed.next().value;
  if (!header) throw invalid(path, 1, 'the manifest is empty', 'The first line must be path,label,group.');
  const width = header.fields.length;
  return {
    header: header.fields,
    line: header.line,
    rows: bounded(path, parsed),
    misfit: (fields) => {
      if (fields.length >= width && fields.slice(width).every((value) => tidyName(value) === '')) return undefined;
      return `${fields.length} field${fields.length === 1 ? '' : 's'} under ${width} columns`;
    },
    invalid: (line, why, hint) => invalid(path, line, why, hint),
  };
}

/**
 * Reads the rows of a table, keyed by the values of one column. Each row maps column names to values, with names
 * trimmed and empty names left out. If several rows have the same value in the key column, the last row is used.
 * @throws CryfoldError DATA_MANIFEST_INVALID if that column is missing or a row is malformed; also any error that
 * `readTable` throws
 */
export async function rowsBy(path: string, key: string): Promise<Map<string, Record<string, string>>> {
  const table = await readTable(path);
  const names = table.header.map(tidyName);
  if (!names.includes(key)) {
    throw table.invalid(table.line, `there is no column ${key}`, `Columns: ${listColumns(names)}.`);
  }
  const found = new Map<string, Record<string, string>>();
  for (const { fields, line } of table.rows) {
    const why = table.misfit(fields);
    if (why !== undefined) throw table.invalid(line, why, ROW_HINT);
    const record: Record<string, string> = Object.create(null);
    for (const [i, name] of names.entries()) if (name !== '') record[name] = fields[i].trim();
    found.set(record[key], record);
  }
  return found;
}

function* bounded(path: string, rows: Iterable<CsvRecord>): Generator<CsvRecord> {
  let count = 0;
  for (const row of rows) {
    if (count++ === MOST_ROWS) {
      throw new CryfoldError('DATA_TOO_LARGE', `${path}: has more than ${MOST_ROWS} rows`, {
        context: { path, limit: MOST_ROWS },
        hint: 'Split the manifest, or list fewer recordings: a run can have at most 200,000 clips.',
      });
    }
    yield row;
  }
}

function invalid(path: string, line: number, why: string, hint: string): CryfoldError {
  return new CryfoldError('DATA_MANIFEST_INVALID', `${path}:${line}: ${why}`, { context: { file: path, line }, hint });
}

async function readText(path: string): Promise<string> {
  try {
    return await readRegularText(path, LARGEST);
  } catch (cause) {
    if (cause instanceof EncodingError) throw invalid(path, cause.line, cause.message, cause.hint(path));
    throw new CryfoldError('DATA_NOT_FOUND', `${path}: cannot be read as a manifest: ${(cause as Error).message}`, {
      context: { path },
      hint: 'Pass a directory of recordings or a .csv manifest with --data.',
      cause,
    });
  }
}
