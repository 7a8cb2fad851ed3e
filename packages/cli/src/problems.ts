import { join, resolve } from 'node:path';
import { BadRecordings, type Dataset, describeProblems, namesAll, type Skipped } from '@cryfold/corpus';
import { textField } from '@cryfold/evaluation';
import type { ProgressDisplay } from './progress.js';
import { checkOutFile, OutFolder, writeOutFile } from './write-out.js';

/** Where a command lists all bad recordings. */
export interface ProblemList {
  /** The file of `--problems`, which is always written */
  file?: string | undefined;
  /** Else a folder, in which the list is only written where the output does not name all */
  folder?: string | undefined;
}

const NAME = 'problems.csv';

/**
 * Runs what reads a dataset. Where several recordings are bad, lists all of them, and the error says where.
 * @throws CryfoldError OUT_UNWRITABLE, and what `read` throws
 */
export async function listingProblems<T>(list: ProblemList, read: () => Promise<T>): Promise<T> {
  if (list.file !== undefined) await checkOutFile(list.file);
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof BadRecordings)) throw error;
    const file = await writeProblems(error.problems, list);
    throw file === undefined ? error : error.listedIn(file);
  }
}

/**
 * Says what was left out of a dataset and which names were read as one, in a bounded number of lines.
 * @throws CryfoldError OUT_UNWRITABLE
 */
export async function sayProblems(
  { skipped, warnings }: Pick<Dataset, 'skipped' | 'warnings'>,
  list: ProblemList,
  display: Pick<ProgressDisplay, 'say'>,
): Promise<void> {
  for (const warning of warnings) display.say(`warning: ${warning}`);
  for (const line of describeProblems(skipped)) display.say(`skipped: ${line}`);
  const file = await writeProblems(skipped, list);
  if (file !== undefined) display.say(`all ${skipped.length} that were skipped: ${file}`);
}

/**
 * Writes problems as CSV with the columns `file,code,message,hint`.
 * @returns where, if they were written
 * @throws CryfoldError OUT_UNWRITABLE
 */
export async function writeProblems(problems: readonly Skipped[], list: ProblemList): Promise<string | undefined> {
  if (list.file === undefined && (list.folder === undefined || namesAll(problems))) return undefined;
  const rows = problems.map(({ file, code, message, hint = '' }) => [file, code, message, hint].map(textField));
  const text = [['file', 'code', 'message', 'hint'], ...rows].map((row) => `${row.join(',')}\n`).join('');
  if (list.file === undefined) {
    await new OutFolder(resolve(list.folder!)).write(NAME, text);
    return join(list.folder!, NAME);
  }
  await writeOutFile(list.file, text);
  return list.file;
}
