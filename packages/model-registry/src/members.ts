import { CryfoldError, canonicalJson } from '@cryfold/core';
import { checkCommandsAllowed, kindOf, type Predictor, type PredictorSettings } from '@cryfold/estimators';
import type { FeatureSet } from '@cryfold/features/kinds';
import type { ModelCard } from './card.js';
import type { ReadModel } from './read-model.js';

export interface LoadOptions extends PredictorSettings {
  /** Whether to run the programs in the model with the permissions of this process; default: no */
  allowCommands?: boolean | undefined;
}

/** One trained estimator of a model. */
export interface Member {
  predictor: Predictor;
  features: FeatureSet;
  /** Additional vectors, for a member that reads them */
  vectors: FeatureSet | undefined;
}

/**
 * Loads the trained estimators of a model.
 * @returns the estimators, and the feature sets that they and the card use. Equal feature sets are the same object, so
 * that each is computed only once
 * @throws CryfoldError COMMANDS_NOT_ALLOWED, or any error that the `loadPredictor` function of an estimator's kind
 * throws
 */
export async function loadMembers(
  model: ReadModel,
  options: LoadOptions,
): Promise<{ members: Member[]; sets: Iterable<FeatureSet> }> {
  const { card } = model;
  checkModelAllowed(card, options.allowCommands);
  const sets = new Map<string, FeatureSet>();
  const shared = (set: FeatureSet): FeatureSet => {
    const known = sets.get(canonicalJson(set)) ?? set;
    sets.set(canonicalJson(set), known);
    return known;
  };
  shared(card.features);
  const members: Member[] = [];
  for (const { folder, kind, features = card.features, vectors } of card.members) {
    const file = (name: string) => fileOf(model, `${folder}/${name}`);
    const predictor = await kindOf({ kind }).loadPredictor?.(file, options);
    if (!predictor) throw new TypeError(`${kind} has no predictor`);
    members.push({ predictor, features: shared(features), vectors: vectors && shared(vectors) });
  }
  return { members, sets: sets.values() };
}

/**
 * A model may come from anywhere, so its programs run only if the user has allowed this.
 * @param estimators the estimators of the model that will predict or be trained; default: its members
 * @throws CryfoldError COMMANDS_NOT_ALLOWED
 */
export function checkModelAllowed(
  { name, version, members }: ModelCard,
  allowed = false,
  estimators: readonly { kind: string }[] = members,
): void {
  checkCommandsAllowed(estimators, allowed, {
    where: `${name}@${version} needs its own program, and this command`,
    hint: 'If you trust the source of the model, add --allow-commands (see docs/security.md).',
  });
}

function fileOf({ card, files }: ReadModel, path: string): Uint8Array {
  const bytes = files.get(path);
  if (bytes) return bytes;
  throw new CryfoldError('ARTIFACT_MISSING', `${card.name}@${card.version}: the card does not list ${path}`, {
    context: { model: card.name, version: card.version, file: path },
    hint: 'Train the model again.',
  });
}
