import { basename, dirname, posix, resolve } from 'node:path';
import { CryfoldError, EncodingError, readRegularText } from '@cryfold/core';
import type { Recording } from './recording.js';
import { type CsvRecord, parseCsv } from './text/csv.js';
import { ListedFiles } from './text/listed-files.js';
import { tidyName } from './text/names.js';

/** Bytes of the largest manifest that is read: about 600,000 recordings. */
const LARGEST = 2 ** 26;
/** Shorter rows, of which more would fit, are bad ones. */
const MOST_ROWS = 1_000_000;

const MANIFEST = /\.(csv|tsv)$/i;

/** Whether a data path means a manifest rather than a directory. */
export function isManifest(path: string): boolean {
  return MANIFEST.test(path);
}

/** A path's last part without a manifest's ending. */
export function datasetName(path: string): string {
  return basename(resolve(path)).replace(MANIFEST, '');
}

/**
 * Reads a manifest, a table as `parseCsv` reads it with the columns `path`, `label` and, if groups are known, `group`, in
 * any order; other columns are passed over, but for `fold` where it is asked for. Paths are relative to the manifest, and
 * found as `ListedFiles` does. Without a group, or where it is empty, the recording is its own group. Recordings come in
 * the order of the rows, with labels and groups as they are written.
 *
 * A row with an empty value or a missing file, or with a file that an earlier row has, is an error of its recording, so
 * that --skip-bad can leave it out.
 * @param folds whether to read the column `fold`, which names the fold that tests the recording; empty for none
 * @throws CryfoldError DATA_NOT_FOUND, DATA_EMPTY, DATA_TOO_LARGE, and DATA_MANIFEST_INVALID with the line where the table is broken
 */
export async function readManifest(path: string, { folds = false } = {}) {
  const root = dirname(resolve(path));
  const text = await readText(path);
  const rows = parseCsv(text, (line, why) =>
    invalid(path, line, why, 'Quote fields as RFC 4180 says: "a ""quoted"" field".'),
  );
  const header: CsvRecord | undefined = rows.next().value;
  if (!header) throw invalid(path, 1, 'the manifest is empty', 'Start it with the line path,label,group.');
  const columns = columnsOf(path, header, folds);
  const files = new ListedFiles(root);
  const seen = new Map<string, { line: number; written: string }>();
  const recordings: Recording[] = [];
  for (const { fields, line } of rows) {
    if (recordings.length === MOST_ROWS) throw tooLong(path);
    const [written, label, group, fold] = columns.map((column) => fields[column] ?? '');
    const reject = (why: string, hint: string) =>
      recordings.push({ file: posix.normalize(written), error: invalid(path, line, why, hint) });
    const width = header.fields.length;
    if (fields.length < width || fields.slice(width).some((value) => tidyName(value) !== '')) {
      const count = `${fields.length} field${fields.length === 1 ? '' : 's'}`;
      reject(`${count} under ${width} columns`, 'Correct this line; a field with a comma needs quotes.');
      continue;
    }
    if (tidyName(written) === '') {
      reject('path is empty', 'Fill it in or remove the line.');
      continue;
    }
    if (tidyName(label) === '') {
      reject(`label is empty for ${written}`, 'Fill it in or remove the line.');
      continue;
    }
    const found = await files.find(written);
    if ('why' in found) {
      reject(`${written} ${found.why}`, 'Correct the path, which is relative to the manifest, or pass --skip-bad.');
      continue;
    }
    const { file, id } = found;
    const first = seen.get(id);
    if (first) {
      const spelled = first.written === written ? '' : `, as ${first.written}`;
      const hint = 'Remove one: a recording has one label and one group.';
      reject(`${written} is also in line ${first.line}${spelled}`, hint);
      continue;
    }
    seen.set(id, { line, written });
    const tested = folds ? { fold: tidyName(fold) } : {};
    recordings.push({ file, label, group: tidyName(group) === '' ? file : group, ...tested });
  }
  if (recordings.length === 0) {
    throw new CryfoldError('DATA_EMPTY', `${path}: lists no recording`, {
      context: { path },
      hint: 'Add one line per recording below path,label,group.',
    });
  }
  return { root, reader: 'manifest', recordings, skipped: [] } as const;
}

function tooLong(path: string): CryfoldError {
  return new CryfoldError('DATA_TOO_LARGE', `${path}: has more than ${MOST_ROWS} rows`, {
    context: { path, limit: MOST_ROWS },
    hint: 'Split it, or list fewer recordings: a run has at most 200,000 clips.',
  });
}

function invalid(path: string, line: number, why: string, hint: string): CryfoldError {
  return new CryfoldError('DATA_MANIFEST_INVALID', `${path}:${line}: ${why}`, { context: { file: path, line }, hint });
}

async function readText(path: string): Promise<string> {
  try {
    return await readRegularText(path, LARGEST);
  } catch (cause) {
    if (cause instanceof EncodingError) throw invalid(path, cause.line, cause.message, cause.hint(path));
    throw new CryfoldError(
      'DATA_NOT_FOUND',
      `${path}: is not a manifest that can be read: ${(cause as Error).message}`,
      { context: { path }, hint: 'Give a directory of WAV files or a .csv manifest with --data.', cause },
    );
  }
}

/** Where path, label, group and fold are; -1 for a column that is not there. */
function columnsOf(path: string, { line, fields }: CsvRecord, folds: boolean): number[] {
  const names = fields.map(tidyName);
  const hints: Record<string, string> = {
    path: 'Name the columns path,label,group: this line has none.',
    label: 'Name the columns path,label,group: this line has none.',
    ...(folds ? { fold: 'PredefinedSplit needs one that names the fold which tests each recording.' } : {}),
  };
  return ['path', 'label', 'group', 'fold'].map((name) => {
    const at = names.indexOf(name);
    if (at !== names.lastIndexOf(name)) {
      throw invalid(path, line, `two columns are named ${name}`, 'Remove or rename one of them.');
    }
    if (at < 0 && hints[name]) throw invalid(path, line, `no column is named ${name}`, hints[name]);
    return at;
  });
}
