import { stat } from 'node:fs/promises';
import { dirname, posix, resolve } from 'node:path';
import { CryfoldError, readRegularText } from '@cryfold/core';
import type { Recording } from './recording.js';

/** Bytes of the largest manifest that is read: about 600,000 recordings. */
const LARGEST = 2 ** 26;

/** Whether a data path means a CSV manifest rather than a directory. */
export function isManifest(path: string): boolean {
  return /\.csv$/i.test(path);
}

/**
 * Reads a CSV manifest (RFC 4180, UTF-8) with the columns `path`, `label` and, if groups are known, `group`, in any
 * order; other columns are passed over, but for `fold` where it is asked for. Paths are relative to the manifest. Without a group, or where it is empty, the
 * recording is its own group. Recordings come in the order of the rows.
 *
 * A row with an empty value or a missing file is an error of its recording, so that --skip-bad can leave it out.
 * @param folds whether to read the column `fold`, which names the fold that tests the recording; empty for none
 * @throws CryfoldError DATA_NOT_FOUND, DATA_EMPTY, and DATA_MANIFEST_INVALID with the line where the table is broken
 */
export async function readManifest(path: string, { folds = false } = {}) {
  const root = dirname(resolve(path));
  const invalid = (line: number, why: string, hint: string) =>
    new CryfoldError('DATA_MANIFEST_INVALID', `${path}:${line}: ${why}`, { context: { file: path, line }, hint });
  let text: string;
  try {
    text = await readRegularText(path, LARGEST);
  } catch (cause) {
    throw new CryfoldError(
      'DATA_NOT_FOUND',
      `${path}: is not a manifest that can be read: ${(cause as Error).message}`,
      {
        context: { path },
        hint: 'Give a directory of WAV files or a .csv manifest with --data.',
        cause,
      },
    );
  }
  const [header, ...rows] = parseCsv(text.replace(/^\uFEFF/, ''), (line, why) =>
    invalid(line, why, 'Quote fields as RFC 4180 says: "a ""quoted"" field".'),
  );
  if (!header) throw invalid(1, 'the manifest is empty', 'Start it with the line path,label,group.');
  const columns = ['path', 'label', 'group'].map((name) => header.fields.indexOf(name));
  for (const [i, name] of ['path', 'label'].entries()) {
    if (columns[i] < 0) {
      throw invalid(
        header.line,
        `no column is named ${name}`,
        `Name the columns path,label,group: this line has none.`,
      );
    }
  }
  const foldColumn = header.fields.indexOf('fold');
  if (folds && foldColumn < 0) {
    throw invalid(
      header.line,
      'no column is named fold',
      'PredefinedSplit needs one that names the fold which tests each recording.',
    );
  }
  const lines = new Map<string, number>();
  const recordings: Recording[] = [];
  for (const { fields, line } of rows) {
    if (fields.length !== header.fields.length) {
      const why = `${fields.length} fields under ${header.fields.length} columns`;
      throw invalid(line, why, 'Mend this line; a field with a comma needs quotes.');
    }
    const [written, label, group] = columns.map((column) => fields[column] ?? '');
    const file = posix.normalize(written);
    const reject = (why: string, hint: string) => recordings.push({ file, error: invalid(line, why, hint) });
    if (written.trim() === '') reject('path is empty', 'Fill it in or remove the line.');
    else if (label.trim() === '') reject(`label is empty for ${written}`, 'Fill it in or remove the line.');
    else if (lines.has(file)) {
      reject(`${written} is also in line ${lines.get(file)}`, 'Remove one: a recording has one label and one group.');
    } else if (!(await isFile(resolve(root, file)))) {
      reject(`${written} is not a file`, 'Paths are relative to the manifest. Mend it, or pass --skip-bad.');
    } else {
      const fold = folds ? { fold: fields[foldColumn].trim() } : {};
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
  return { root, reader: 'manifest', recordings } as const;
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (entry) => entry.isFile(),
    () => false,
  );
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
