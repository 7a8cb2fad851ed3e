import { access } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { CryfoldError, readRegularFile } from '@cryfold/core';
import { decodeResults, type RunResults } from '@cryfold/evaluation';
import { checkOutFolder, OutFolder } from './write-out.js';

/** Maximum size in bytes of a results.json to read. */
export const LARGEST_RESULTS = 2 ** 28;

const RESULTS = 'results.json';
const FILES = [RESULTS, 'out-of-fold.csv', 'report.html'];

/**
 * Identifies the run whose results a folder contains. Results of `cryfold fuse` are identified by their models as well,
 * since these differ from the models of the run.
 */
export interface CopiedRun {
  run: string;
  models?: readonly string[];
}

/** `--out`: a folder for copies of a run's results. Results of another run are only overwritten if forced. */
export class Copies {
  readonly #folder: OutFolder;

  /**
   * @param out path as the user typed it
   * @param force overwrite the results of another run
   */
  constructor(
    readonly out: string,
    private readonly force: boolean,
  ) {
    this.#folder = new OutFolder(resolve(out));
  }

  /** Fails fast if the folder cannot be written. @throws CryfoldError OUT_UNWRITABLE */
  checkWritable(): Promise<void> {
    return checkOutFolder(this.#folder.path);
  }

  /** @throws CryfoldError OUT_TAKEN if the folder contains the results of another run */
  async checkFree(wanted: CopiedRun): Promise<void> {
    const held = this.force ? undefined : await this.#held();
    if (held === undefined || isSame(held, wanted)) return;
    const { run } = held;
    const what = run === '' ? 'other results' : run === wanted.run ? `other models of run ${run}` : `run ${run}`;
    throw new CryfoldError('OUT_TAKEN', `${this.out} contains ${run === '' ? what : `the results of ${what}`}`, {
      context: { path: this.#folder.path, run },
      hint: 'Choose another folder with --out, or overwrite this one with --force. The store keeps the results of every run.',
    });
  }

  /**
   * @param files content of each file, by name
   * @returns their paths, in order
   * @throws CryfoldError OUT_TAKEN, OUT_UNWRITABLE
   */
  async write(wanted: CopiedRun, files: readonly (readonly [string, string | Uint8Array])[]): Promise<string[]> {
    await this.checkFree(wanted);
    const paths: string[] = [];
    for (const [name, content] of files) paths.push(await this.#folder.write(name, content));
    return paths;
  }

  /**
   * The run whose results are in the folder. Its id is empty if the results cannot be read. Returns undefined if the
   * folder contains no results.
   */
  async #held(): Promise<{ run: string; results?: RunResults } | undefined> {
    const file = join(this.#folder.path, RESULTS);
    try {
      const results = decodeResults(await readRegularFile(file, LARGEST_RESULTS), file);
      return { run: results.run.id, results };
    } catch {
      const here = await Promise.all(FILES.map((name) => exists(join(this.#folder.path, name))));
      return here.includes(true) ? { run: '' } : undefined;
    }
  }
}

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

function isSame({ run, results }: { run: string; results?: RunResults }, wanted: CopiedRun): boolean {
  if (run !== wanted.run) return false;
  return !wanted.models || wanted.models.join() === results?.models.map(({ name }) => name).join();
}
