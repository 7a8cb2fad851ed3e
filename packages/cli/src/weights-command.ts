import { createReadStream } from 'node:fs';
import { CryfoldError } from '@cryfold/core';
import { estimatorKinds } from '@cryfold/estimators';
import { weightsSources } from '@cryfold/local-run';
import { PUBLISHED_WEIGHTS, publishedHash, resolveWeights, verifyWeightsFile, type WeightsFile } from '@cryfold/nn';
import type { Config } from '@cryfold/runtime';
import { weightsReference } from '@cryfold/store';
import { EXIT } from './exit-codes.js';
import { openStoreOf } from './open-store.js';
import { requireStore, storeUrlOf } from './store-url.js';
import { jsonText, say } from './terminal.js';

export interface WeightsPutOptions {
  json: boolean;
}

/** `cryfold weights put SOURCE`: verifies pretrained weights, and uploads them to the store for all workers. */
export async function weightsPutCommand(source: string, options: WeightsPutOptions, config: Config): Promise<number> {
  requireStore(config);
  const storeUrl = storeUrlOf(config);
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

export interface WeightsFetchOptions {
  sha256?: string;
  json: boolean;
}

/**
 * `cryfold weights fetch SOURCE`: downloads pretrained weights into the local cache, where specs can refer to them by
 * hash. A run uploads them to its store. If no hash is given, the file must be one of the files whose md5
 * keras.applications publishes.
 * @throws CryfoldError USAGE, WEIGHTS_NOT_FOUND, WEIGHTS_INVALID, WEIGHTS_UNREACHABLE
 */
export async function weightsFetchCommand(
  source: string,
  options: WeightsFetchOptions,
  { cacheDir }: Pick<Config, 'cacheDir'>,
): Promise<number> {
  if (options.sha256 !== undefined && !/^[0-9a-f]{64}$/i.test(options.sha256)) {
    throw new CryfoldError('USAGE', '--sha256: not 64 hexadecimal digits', {
      hint: 'Use the SHA-256 hash that is published with the file. sha256sum prints the hash of a local file.',
    });
  }
  const { path, sha256 } = await checked(source, options.sha256, cacheDir);
  const arrays = await verify(path);
  const weights = weightsReference(sha256);
  const kept = await resolveWeights(weights, {
    cacheDirectory: cacheDir,
    fetchContent: async () => createReadStream(path),
  });
  if (options.json) say(`${jsonText({ weights, path: kept.path, sha256 })}\n`);
  else {
    say(`in the cache: ${arrays} weights, sha256 ${sha256}\n`);
    say(`use them with\n  weights: ${weights}\n`);
  }
  return EXIT.done;
}

/** Reads the file at a path or URL, and verifies it with the given hash or with the hash of the published file. */
async function checked(source: string, sha256: string | undefined, cacheDirectory: string): Promise<WeightsFile> {
  const [address, fragment] = /^[a-z][\w+.-]*:\/\//i.test(source) ? source.split('#') : [undefined, undefined];
  const published = publishedHash(address ?? source) || PUBLISHED_WEIGHTS.md5;
  try {
    if (address === undefined) return { path: source, sha256: await verifyWeightsFile(source, sha256 ?? published) };
    const wanted = sha256 === undefined ? (fragment ?? `md5=${published}`) : `sha256=${sha256}`;
    return await resolveWeights(`${address}#${wanted}`, { cacheDirectory, fetchContent: async () => undefined });
  } catch (error) {
    const stated = sha256 ?? fragment;
    if (error instanceof CryfoldError && error.code === 'WEIGHTS_INVALID' && stated === undefined) {
      throw new CryfoldError(error.code, error.message, {
        cause: error,
        context: error.context,
        hint: `Without --sha256, only files whose MD5 hash is published by Keras are accepted, such as ${PUBLISHED_WEIGHTS.name}. For any other file, pass the SHA-256 hash that its source publishes.`,
      });
    }
    return forPut(error);
  }
}

/**
 * Checks whether the file fits any kind of network that can have pretrained weights.
 * @throws CryfoldError the error of the check if it is the same for all networks; otherwise, an error that lists the
 * problem with each network
 */
async function verify(path: string): Promise<number> {
  const problems = new Map<string, CryfoldError>();
  for (const { kind, pretrained } of estimatorKinds) {
    try {
      if (pretrained) return await pretrained.verify(path);
    } catch (error) {
      if (!(error instanceof CryfoldError)) throw error;
      problems.set(kind, error);
    }
  }
  const [first] = problems.values();
  if (new Set([...problems.values()].map(({ message }) => message)).size === 1) throw first;
  const each = [...problems].map(([kind, { message }]) => `${kind}: ${message.replace(`${path}: `, '')}`);
  throw new CryfoldError('WEIGHTS_INVALID', `${path}: it does not fit any network (${each.join('; ')})`, {
    context: { file: path },
    hint: first.hint ?? '',
  });
}

/** Replaces the hint, which is meant for a spec and mentions `weights: random`. */
function forPut(error: unknown): never {
  if (!(error instanceof CryfoldError) || error.code !== 'WEIGHTS_NOT_FOUND') throw error;
  throw new CryfoldError(error.code, error.message, {
    cause: error,
    context: error.context,
    hint: 'Specify the path of a Keras notop .h5 file, or an http(s) URL that ends in #sha256=HEX.',
  });
}
