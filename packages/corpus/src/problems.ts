import { CryfoldError, ERROR_CODES, type ErrorCode, type ErrorRecord } from '@cryfold/core';

/** Something that was left out of a dataset or cannot be used, and why. */
export interface Skipped {
  file: string;
  code: ErrorCode;
  message: string;
  hint?: string;
}

export interface Cause<T> {
  code: ErrorCode;
  count: number;
  /** The first few problems */
  first: T[];
}

/** Maximum number of problems of the same cause that are listed individually. */
const SHOWN = 5;

/** Groups problems by their code, the most frequent code first. */
export function byCause<T extends { code: ErrorCode }>(problems: readonly T[]): Cause<T>[] {
  const causes = new Map<ErrorCode, Cause<T>>();
  for (const problem of problems) {
    const cause = causes.get(problem.code) ?? { code: problem.code, count: 0, first: [] };
    if (cause.count < SHOWN) cause.first.push(problem);
    cause.count++;
    causes.set(problem.code, cause);
  }
  return [...causes.values()].sort((a, b) => b.count - a.count);
}

/**
 * Describes problems in a limited number of lines: for each cause, the number of problems, what the cause means, and
 * the first few problems.
 * @param hints whether to show the hint of the first problem of each cause
 */
export function describeProblems(problems: readonly Omit<Skipped, 'file'>[], hints = false): string[] {
  return byCause(problems).flatMap(({ code, count, first }) => {
    const messages = first.map(({ message }) => message);
    const hint = hints && first[0].hint !== undefined ? [first[0].hint] : [];
    if (count === 1) return [...messages, ...hint];
    const some = count > first.length ? ` The first ${first.length}:` : '';
    const cause = `${count} x ${code}: ${ERROR_CODES[code][1]}${some}`;
    return [cause, ...messages.map((message) => `- ${message}`), ...hint];
  });
}

/** Whether `describeProblems` lists every problem individually. */
export function namesAll(problems: readonly Skipped[]): boolean {
  return byCause(problems).every(({ count, first }) => count === first.length);
}

/**
 * Thrown if several recordings of a dataset cannot be used. The message lists the first few recordings for each cause.
 */
export class BadRecordings extends CryfoldError {
  readonly problems: readonly Skipped[];
  readonly #path: string;
  readonly #total: number;

  /**
   * @param path path of the dataset, as the user wrote it
   * @param total number of recordings, good and bad
   * @param listed file that lists all problems, if any
   */
  constructor(path: string, problems: readonly Skipped[], total: number, listed?: string) {
    const list = listed === undefined ? '--problems FILE lists all of them. ' : `All are listed in ${listed}. `;
    const counts = `${problems.length} of ${total} recordings cannot be used`;
    super('DATA_BAD', [`${path}: ${counts}`, ...describeProblems(problems, true)].join('\n'), {
      context: { path, bad: problems.length, recordings: total },
      hint: `${listed === undefined && namesAll(problems) ? '' : list}Repair or remove them, or pass --skip-bad to skip them.`,
    });
    this.problems = problems;
    this.#path = path;
    this.#total = total;
  }

  /** Returns the same error, with the file that lists all problems. */
  listedIn(file: string): BadRecordings {
    return new BadRecordings(this.#path, this.problems, this.#total, file);
  }

  override toRecord(): ErrorRecord & { problems: readonly Skipped[] } {
    return { ...super.toRecord(), problems: this.problems };
  }
}

/** Returns the entry for a recording's error in a list of problems. */
export function problemOf({ code, message, hint }: CryfoldError, file: string): Skipped {
  return { file, code, message, ...(hint === undefined ? {} : { hint }) };
}
