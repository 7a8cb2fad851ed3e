import { CryfoldError } from '@cryfold/core';
import { kindOf } from '@cryfold/estimators';
import type { Spec } from './spec-schema.js';

const STORED = /^store:weights\/([0-9a-f]{64})\.h5#sha256=\1$/;

/** Returns the sha256 (hex) of weights given by their key in the store; undefined for a path, a URL or `random`. */
export function storedWeights(source: unknown): string | undefined {
  return typeof source === 'string' ? STORED.exec(source)?.[1] : undefined;
}

/**
 * Returns the hashes of the weights that an untrusted spec uses. Only weights in the store are allowed: a worker would
 * read a path or URL with the worker's permissions and from the worker's network, and results would depend on a
 * location instead of on content.
 * @throws CryfoldError SPEC_INVALID
 */
export function submittedWeights({ estimators, search }: Pick<Spec, 'estimators' | 'search'>): Set<string> {
  const hashes = new Set<string>();
  const take = (source: unknown, where: string) => {
    if (source === 'random') return;
    const hash = storedWeights(source);
    if (hash === undefined) {
      throw new CryfoldError('SPEC_INVALID', `${where}: a submitted spec may only use weights in the store`, {
        context: { member: where },
        hint: 'Use random or store:weights/HASH.h5#sha256=HASH, as printed by cryfold weights put. cryfold run --server uploads weights files itself.',
      });
    }
    hashes.add(hash);
  };
  for (const [name, estimator] of Object.entries(estimators)) {
    const { pretrained } = kindOf(estimator);
    if (pretrained) take(pretrained.source(estimator), `estimators.${name}.weights`);
  }
  for (const [name, space] of Object.entries(search?.space ?? {})) {
    const weights = Object.hasOwn(space, 'weights') ? space.weights : undefined;
    if (!weights) continue;
    const where = `search.space.${name}.weights`;
    for (const source of 'choice' in weights ? weights.choice : [undefined]) take(source, where);
  }
  return hashes;
}
