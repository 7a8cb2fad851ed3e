import { fileURLToPath } from 'node:url';
import { CryfoldError, type ErrorRecord } from '@cryfold/core';
import { BoundedChild } from '@cryfold/runtime';
import type { S3Settings } from '@cryfold/store';

const ENTRY = fileURLToPath(new URL('./report-child.js', import.meta.url));
/** Maximum number of reports of complete runs in the cache; each takes one or two megabytes. */
const KEPT = 8;
/** Maximum number of waiting reports. */
const WAITING = 16;
/** Time limit for writing a report in milliseconds. */
const PATIENCE_MS = 120_000;

export interface ReportTask {
  storeUrl: string;
  s3: S3Settings | undefined;
  run: string;
}
export interface ReportWriterOptions extends Omit<ReportTask, 'run'> {
  /** Memory limit of the process that writes a report in MiB */
  childMemoryMb: number;
}
export type ReportAnswer = { page: string } | { error: ErrorRecord };

/**
 * Writes reports in a child process, one at a time. Computing a large report takes seconds, during which the
 * coordinator could not renew its locks.
 */
export class ReportWriter {
  readonly #store: Omit<ReportTask, 'run'>;
  readonly #childMemoryMb: number;
  readonly #kept = new Map<string, string>();
  readonly #writing = new Map<string, Promise<string>>();
  #last: Promise<unknown> = Promise.resolve();

  constructor({ childMemoryMb, ...store }: ReportWriterOptions) {
    this.#store = store;
    this.#childMemoryMb = childMemoryMb;
  }

  /**
   * Writes the report of a run once for all concurrent requests.
   * @param keep whether the run is final, so that its report can be cached
   * @throws CryfoldError API_BUSY
   */
  async write(run: string, keep: boolean): Promise<string> {
    const known = this.#kept.get(run) ?? this.#writing.get(run);
    if (known !== undefined) return known;
    if (this.#writing.size >= WAITING) {
      throw new CryfoldError('API_BUSY', `${WAITING} reports are already being written`);
    }
    const page = this.#last.then(() => this.#write(run)).finally(() => this.#writing.delete(run));
    this.#writing.set(run, page);
    this.#last = page.catch(() => {});
    const text = await page;
    if (keep) this.#kept.set(run, text);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > KEPT) this.#kept.delete(oldest);
    return text;
  }

  #write(run: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const bounded = new BoundedChild(ENTRY, {
        limitMb: this.#childMemoryMb,
        hint: 'Give the coordinator more memory, raise CRYFOLD_CHILD_MEMORY_MB, or run cryfold report on a machine with more memory.',
        serialization: 'advanced',
        stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
        timeout: PATIENCE_MS,
      });
      const child = bounded.process;
      child.once('error', reject);
      child.once('message', (answer: ReportAnswer) => {
        if ('page' in answer) resolve(answer.page);
        else reject(CryfoldError.fromRecord(answer.error));
      });
      child.once('exit', (code, signal) => {
        const died = new CryfoldError('CHILD_DIED', `the report process exited (${signal ?? `code ${code}`})`);
        reject(bounded.outOfMemory(signal) ?? died);
      });
      const task: ReportTask = { ...this.#store, run };
      child.send(task);
    });
  }
}
