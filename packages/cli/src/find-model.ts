import { access } from 'node:fs/promises';
import { CryfoldError } from '@cryfold/core';
import { ModelRegistry, type ReadModel, readModelFolder, readStoredModel } from '@cryfold/model-registry';
import type { Config } from '@cryfold/runtime';
import type { ArtifactStore } from '@cryfold/store';
import { storeUrlOf } from './store-url.js';

export type ModelSource = Pick<Config, 'target' | 's3'>;

/** The store of models. Loaded only where it is needed: it takes 0.2 s. */
export async function modelStore(config: ModelSource): Promise<ArtifactStore> {
  const storeUrl = storeUrlOf(config);
  if (config.target.kind === 'server') return (await import('./open-store.js')).openStoreOf(storeUrl, config).artifacts;
  const { openStore } = await import('@cryfold/store');
  return openStore(storeUrl, config.s3);
}

/** NAME, NAME@VERSION or NAME@BEGINNING; anything else is a folder, such as ./model. */
export function parseModel(text: string): { name: string; version?: string } | { folder: string } {
  const [, name, version] = /^([a-z0-9][a-z0-9-]{0,40})(?:@([0-9a-f]{1,12}))?$/.exec(text) ?? [];
  if (name === undefined) return { folder: text };
  return version === undefined ? { name } : { name, version };
}

/** Of what `parseModel` takes for a folder, and none is there: what is wrong with it as a name. */
export function noModel(text: string): CryfoldError {
  const [, version] = /^[a-z0-9][a-z0-9-]{0,40}@(.*)$/s.exec(text) ?? [];
  const why =
    version === undefined
      ? `${JSON.stringify(text)} is neither NAME nor NAME@VERSION`
      : `${JSON.stringify(version)} of ${JSON.stringify(text)} cannot be a version: those are 12 digits of 0-9 and a-f, or their beginning`;
  return new CryfoldError('MODEL_NOT_FOUND', why, { hint: 'Show what is there: cryfold models list' });
}

/** @throws CryfoldError MODEL_NOT_FOUND, ARTIFACT_MISSING, ARTIFACT_CORRUPT */
export async function findModel(text: string, config: ModelSource): Promise<ReadModel> {
  const what = parseModel(text);
  if ('folder' in what) {
    const { folder } = what;
    // A folder may be named so; where there is none, a name was meant.
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
