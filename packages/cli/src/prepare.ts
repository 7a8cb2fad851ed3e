import { fileURLToPath } from 'node:url';
import { CryfoldError, EncodingError, ifReadable, readRegularText } from '@cryfold/core';
import { type Preparation, type PrepareOptions, prepareRun, weightsSources } from '@cryfold/local-run';
import { parseSpec, type Spec } from '@cryfold/plan';
import type { Config } from '@cryfold/runtime';
import type { RunStore } from '@cryfold/store';
import { listingProblems, type ProblemList } from './problems.js';

export const PAPER_SPEC = fileURLToPath(new URL('../../../../specs/paper.yaml', import.meta.url));

/** Maximum size in bytes of a spec to read. */
const LARGEST_SPEC = 2 ** 20;

/** @throws CryfoldError SPEC_INVALID */
export async function readSpec(path: string): Promise<Spec> {
  return parseSpec(await readSpecText(path), path);
}

/** @throws CryfoldError SPEC_INVALID if the file cannot be read; its text is not parsed here */
export function readSpecText(path: string): Promise<string> {
  return readRegularText(path, LARGEST_SPEC).catch((cause) => {
    if (cause instanceof EncodingError) {
      const { line, message } = cause;
      const details = { context: { file: path, line }, hint: cause.hint(path), cause };
      throw new CryfoldError('SPEC_INVALID', `${path}:${line}: ${message}`, details);
    }
    throw new CryfoldError('SPEC_INVALID', `${path}: cannot be read: ${cause.message}`, {
      cause,
      context: { file: path },
      hint: 'Specify the path of a YAML spec, or omit it to use specs/paper.yaml.',
    });
  });
}

export interface CheckedOptions extends Omit<PrepareOptions, 'knownSounds' | 'sources'> {
  store: RunStore;
  config: Config;
  /** Where all bad recordings are listed */
  list: ProblemList;
}

/**
 * Calls `prepareRun` with the store as a source of weights. Sound comparisons by earlier commands are reused only from
 * a local store, because in other stores, someone else may have written them.
 * @throws CryfoldError see `prepareRun`
 */
export function prepareChecked({ store, config, list, ...options }: CheckedOptions): Promise<Preparation> {
  const own = config.target.kind === 'local';
  const prepare = () =>
    prepareRun({
      ...options,
      sources: weightsSources(store, config.cacheDir),
      knownSounds: own ? (contentHash) => ifReadable(store.datasets.sharedSounds(contentHash)) : undefined,
    });
  return listingProblems(list, prepare);
}
