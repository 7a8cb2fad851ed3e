import { dirname } from 'node:path';
import { CryfoldError } from '@cryfold/core';
import { decodingOnce } from '@cryfold/corpus';
import { checkSpec, type SpecInput } from '@cryfold/plan';
import { dataFindings } from './data-notes.js';
import type { EvaluatedRun } from './evaluated-run.js';
import { complete, type RunDisplay } from './execute.js';
import { openStoreOf } from './open-store.js';
import { prepareChecked, readSpec } from './prepare.js';
import { filesOf, saveReport } from './present.js';
import { readConfig } from './program.js';
import { checkStoreFolder } from './run-folder.js';
import { storeUrlOf } from './store-url.js';

/** What `evaluate` reads, and where it keeps results. Options have the same names as the flags of `cryfold run`. */
export interface EvaluateOptions {
  /**
   * A spec, or the path of a YAML file that contains one. Paths in a spec file are relative to the file's folder, and
   * paths in a spec object are relative to the working folder.
   */
  spec: SpecInput | string;
  /** Directory of recordings, or a CSV manifest with the columns path, label and group */
  data: string;
  /** Store of results and trained folds: a folder or `s3://BUCKET/PREFIX`; default: CRYFOLD_STORE, or `./cryfold` */
  store?: string;
  /** Number of local worker processes; default: one per core */
  workers?: number;
  /** Use only this many clips, stratified by class */
  limit?: number;
  /** What defines a group: `recording`, `folder`, a manifest column, or a regular expression on the file path */
  groupBy?: string;
  /** Layout of the directory; default: detected */
  layout?: string;
  /** Skip bad recordings, and list them in `skipped` of the result; default: false */
  skipBad?: boolean;
  /** Merge groups that share equal or overlapping sounds, so that no fold separates them; default: false */
  groupDuplicates?: boolean;
  /**
   * Continue even if grouped folds leak, for example because the same sound is in a training and a test set; default:
   * false
   */
  allowLeak?: boolean;
  /** Receives a line for each step, such as `reading 12/60 files` or `3/10 folds · svm 3/10 · 2 running` */
  onProgress?: (line: string) => void;
  /**
   * Stops the evaluation and its processes. Finished folds are kept, so repeating the call continues the evaluation.
   */
  signal?: AbortSignal;
}

/**
 * Evaluates a spec on recordings, as `cryfold run` does: on this machine, in its own processes, which exit before the
 * call returns. Ignores REDIS_URL and CRYFOLD_SERVER. Prints nothing.
 * @returns the results; `status` is `incomplete` if folds failed, which `missing` lists
 * @throws CryfoldError with `code` (see docs/errors.md) and `hint`; if `signal` is aborted, the signal's reason
 */
export async function evaluate(options: EvaluateOptions): Promise<EvaluatedRun> {
  const { signal, onProgress = () => {} } = options;
  checkOptions(options);
  // Listeners are added to a derived signal, so that none remain on the caller's signal.
  const stop = AbortSignal.any(signal ? [signal] : []);
  stop.throwIfAborted();
  const update = (line: string) => {
    stop.throwIfAborted();
    onProgress(line);
  };
  return decodingOnce(() => run(options, { say: onProgress, always: onProgress, update, clear: () => {} }, stop));
}

async function run(options: EvaluateOptions, display: RunDisplay, stop: AbortSignal): Promise<EvaluatedRun> {
  const { REDIS_URL: _redis, CRYFOLD_SERVER: _server, ...environment } = process.env;
  if (options.store !== undefined) environment.CRYFOLD_STORE = options.store;
  const config = await readConfig(environment);
  const { spec: given } = options;
  const written = typeof given === 'string';
  const spec = written ? await readSpec(given) : checkSpec(given, 'spec');
  const storeUrl = storeUrlOf(config);
  await checkStoreFolder(storeUrl);
  const store = openStoreOf(storeUrl, config);
  try {
    const preparation = await prepareChecked({
      ...{ skipBad: false, groupDuplicates: false, allowLeak: false },
      ...{ ...options, spec, specFolder: written ? dirname(given) : '.', store, config, list: {} },
      onProgress: (text) => display.update(text),
    });
    const results = await complete(preparation, { options, config, environment, display, store, storeUrl, stop });
    if (!results) throw stop.reason;
    await saveReport(results, store);
    const files = filesOf(results.run.id, { storeUrl, server: undefined });
    return { ...results, ...dataFindings(preparation, options), files };
  } finally {
    await store.close();
  }
}

/** Checks the options in the same way as `cryfold run` checks its flags. @throws CryfoldError USAGE */
function checkOptions({ data, workers, limit }: EvaluateOptions): void {
  const wrong = (what: string) =>
    new CryfoldError('USAGE', `evaluate: ${what}`, { hint: 'See docs/library.md for the options.' });
  if (typeof data !== 'string') throw wrong('data must be the path of a directory of recordings or a manifest');
  for (const [name, value] of Object.entries({ workers, limit })) {
    if (value !== undefined && !(Number.isInteger(value) && value >= 1)) {
      throw wrong(`${name} must be a whole number of at least 1`);
    }
  }
}
