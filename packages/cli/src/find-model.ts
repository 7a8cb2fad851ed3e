import { access } from 'node:fs/promises';
import { CryfoldError } from '@cryfold/core';
import { ModelRegistry, type ReadModel, readModelFolder, readStoredModel } from '@cryfold/model-registry';
import type { Config } from '@cryfold/runtime';
import type { ArtifactStore } from '@cryfold/store';
import { storeUrlOf } from './store-url.js';

export type ModelSource = Pick<Config, 'target' | 's3'>;

/** The store of models. Imported lazily, because loading it takes 0.2 s. */
export async function modelStore(config: ModelSource): Promise<ArtifactStore> {
  const storeUrl = storeUrlOf(config);
  if (config.target.kind === 'server') return (await import('./open-store.js')).openStoreOf(storeUrl, config).artifacts;
  const { openStore } = await import('@cryfold/store');
  return openStore(storeUrl, config.s3);
}

/** Parses NAME, NAME@VERSION or NAME@PREFIX. Anything else is a folder, such as ./model. */
export function parseModel(text: string): { name: string; version?: string } | { folder: string } {
  const [, name, version] = /^([a-z0-9][a-z0-9-]{0,40})(?:@([0-9a-f]{1,12}))?$/.exec(text) ?? [];
  if (name === undefined) return { folder: text };
  return version === undefined ? { name } : { name, version };
}

/** Creates the error for an argument that is neither a valid model name nor an existing folder. */
export function noModel(text: string): CryfoldError {
  const [, version] = /^[a-z0-9][a-z0-9-]{0,40}@(.*)$/s.exec(text) ?? [];
  const why =
    version === undefined
      ? `${JSON.stringify(text)} is neither NAME nor NAME@VERSION`
      : `${JSON.stringify(version)} of ${JSON.stringify(text)} is not a version: versions have 12 hexadecimal digits, and the first few are enough`;
  return new CryfoldError('MODEL_NOT_FOUND', why, { hint: 'To list all models, use: cryfold models list' });
}

/** @throws CryfoldError MODEL_NOT_FOUND, ARTIFACT_MISSING, ARTIFACT_CORRUPT */
export async function findModel(text: string, config: ModelSource): Promise<ReadModel> {
  const what = parseModel(text);
  if ('folder' in what) {
    const { folder } = what;
    // A folder's name may look like NAME@VERSION. If no such folder exists, the user meant a model.
    if (/^[a-z0-9][a-z0-9-]*@/.test(folder)) {
      await access(folder).catch(() => {
        throw noModel(folder);
      });
    }
    return readModelFolder(folder);
  }
  const store = await modelStore(config);
  try {
    return await readStoredModel(store, await new ModelRegistry(store).find(what.name, what.version));
  } finally {
    await store.close();
  }
}
