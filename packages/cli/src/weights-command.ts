import { createReadStream } from 'node:fs';
import { CryfoldError } from '@cryfold/core';
import { estimatorKinds } from '@cryfold/estimators';
import { weightsSources } from '@cryfold/local-run';
import { resolveWeights } from '@cryfold/nn';
import type { Config } from '@cryfold/runtime';
import { weightsReference } from '@cryfold/store';
import { EXIT } from './exit-codes.js';
import { openStoreOf } from './open-store.js';
import { namedStore } from './store-url.js';
import { jsonText, say } from './terminal.js';

export interface WeightsPutOptions {
  store?: string;
  json: boolean;
}

/** `cryfold weights put SOURCE`: verifies ResNet50 weights and puts them into the store, where every worker finds them. */
export async function weightsPutCommand(source: string, options: WeightsPutOptions, config: Config): Promise<number> {
  const storeUrl = options.store ?? namedStore(config);
  if (!storeUrl) {
    throw new CryfoldError('USAGE', 'cryfold weights put: which store?', {
      hint: 'Set CRYFOLD_STORE or pass --store, for example --store file:./cryfold-out/store.',
    });
  }
  const store = openStoreOf(storeUrl, config);
  try {
    const { path, sha256 } = await resolveWeights(source, weightsSources(store, config.cacheDir)).catch(forPut);
    const arrays = await verify(path);
    const key = store.weights.key(sha256);
    const added = await store.weights.put(sha256, () => createReadStream(path));
    const weights = weightsReference(sha256);
    if (options.json) say(`${jsonText({ weights, key, sha256, added })}\n`);
    else {
      say(`${added ? 'stored' : 'already in the store'}: ${arrays} weights\n`);
      say(`use them with\n  weights: ${weights}\n`);
    }
    return EXIT.done;
  } finally {
    await store.close();
  }
}

/** Checks the file against the first kind that takes pretrained weights and that it fits. */
async function verify(path: string): Promise<number> {
  let problem: unknown;
  for (const { pretrained } of estimatorKinds) {
    try {
      if (pretrained) return await pretrained.verify(path);
    } catch (error) {
      problem ??= error;
    }
  }
  throw problem;
}

/** The hint is for a spec, which may also say that there are no weights. */
function forPut(error: unknown): never {
  if (!(error instanceof CryfoldError) || error.code !== 'WEIGHTS_NOT_FOUND') throw error;
  throw new CryfoldError(error.code, error.message, {
    cause: error,
    context: error.context,
    hint: 'Give the path of a Keras notop .h5 of ResNet50, or an http(s) URL ending in #sha256=HEX.',
  });
}
