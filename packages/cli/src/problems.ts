import { join, resolve } from 'node:path';
import { BadRecordings, type Dataset, describeProblems, namesAll, type Skipped } from '@cryfold/corpus';
import { textField } from '@cryfold/evaluation';
import type { ProgressDisplay } from './progress.js';
import { checkOutFile, OutFolder, writeOutFile } from './write-out.js';

/** Where a command writes the list of all bad recordings. */
export interface ProblemList {
  /** The `--problems` file, which is always written */
  file?: string | undefined;
  /**
   * If there is no `--problems` file, the folder for the list, which is written only if the output does not mention all
   * bad recordings
   */
  folder?: string | undefined;
}

const NAME = 'problems.csv';

/**
 * Runs `read`. If `read` fails because of bad recordings, writes a list of them and adds the path of the list to the
 * error.
 * @throws CryfoldError OUT_UNWRITABLE, or any error that `read` throws
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
 * Prints the warnings of a dataset, and a limited number of lines about skipped recordings.
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
  if (file !== undefined) display.say(`list of all ${skipped.length} skipped recordings: ${file}`);
}

/**
 * Writes problems as CSV with the columns `file,code,message,hint`.
 * @returns the path if a file was written
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
