import { EncodingError, readRegularText } from '@cryfold/core';
import { type CsvRecord, parseCsv } from '@cryfold/corpus';
import { invalidVectors, type VectorRow } from './problems.js';

/** Maximum size in bytes of a table of ids */
const LARGEST = 64 * 2 ** 20;

/** Columns that may contain the ids of the rows. The first of these columns that exists is used. */
const COLUMNS = ['clip', 'recording'] as const;

/** The ids of vectors, in the order of the rows. */
export interface VectorIds {
  /** Whether rows belong to clips or to recordings */
  by: (typeof COLUMNS)[number];
  rows: VectorRow[];
}

/**
 * Reads the column `clip` or `recording` of a table with a header; other columns are ignored.
 * @throws CryfoldError FEATURES_INVALID with the line
 */
export async function readIds(path: string): Promise<VectorIds> {
  const at = (line: number, why: string, hint = 'Quote fields as in RFC 4180: "a ""quoted"" field".') =>
    invalidVectors(`${path}:${line}: ${why}`, hint, { file: path, line });
  const records = parseCsv(await readText(path), at);
  const header: CsvRecord | undefined = records.next().value;
  const names = header?.fields.map((name) => name.trim().toLowerCase()) ?? [];
  const by = COLUMNS.find((name) => names.includes(name));
  if (by === undefined) {
    const found = names.length === 0 ? 'the file is empty' : `the first line has no column clip or recording`;
    throw at(
      header?.line ?? 1,
      found,
      'Start the file with the header line clip or recording, followed by one id per row.',
    );
  }
  const column = names.indexOf(by);
  const rows = Array.from(records, ({ fields, line }) => {
    const id = fields[column]?.trim() ?? '';
    if (id === '') throw at(line, `the column ${by} is empty`, 'Enter the clip or recording of each row.');
    return { id, line };
  });
  return { by, rows };
}

function readText(path: string): Promise<string> {
  return readRegularText(path, LARGEST).catch((cause) => {
    if (cause instanceof EncodingError) {
      const context = { file: path, line: cause.line };
      throw invalidVectors(`${path}:${cause.line}: ${cause.message}`, cause.hint(path), context, cause);
    }
    const hint = 'Paths are relative to the folder of the spec. Specify an existing file.';
    throw invalidVectors(`${path}: ${cause.message}`, hint, { file: path }, cause);
  });
}
