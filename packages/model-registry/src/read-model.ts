import { join } from 'node:path';
import { CryfoldError, decodeRecord, FORMATS, readRegularFile, sha256 } from '@cryfold/core';
import type { FittedFusion } from '@cryfold/evaluation';
import { FUSION_RULES } from '@cryfold/evaluation';
import type { ArtifactStore } from '@cryfold/store';
import { z } from 'zod';
import { decodeCard, type ModelCard } from './card.js';
import { modelKeys } from './registry.js';

/** A model whose files have all been checked against its card. */
export interface ReadModel {
  card: ModelCard;
  /** By path */
  files: ReadonlyMap<string, Uint8Array>;
  fusion: FittedFusion | null;
}

const fusionSchema = z.strictObject({
  format: z.literal(FORMATS.model),
  members: z.array(z.string()),
  rule: z.enum(FUSION_RULES),
  weights: z.array(z.number()).optional(),
});

/** Maximum size in bytes of a file in a folder that contains a model. */
const LARGEST_FILE = 2 ** 30;

/** A copy of the weights for Keras, which is not read here. */
const UNUSED = /\.h5$/;

/** @throws CryfoldError ARTIFACT_MISSING, ARTIFACT_CORRUPT, JOB_INVALID */
export function readStoredModel(store: ArtifactStore, card: ModelCard): Promise<ReadModel> {
  return readFiles(card, (path) => store.get(modelKeys.file(card.name, card.version, path)));
}

/**
 * Reads a model from a folder with the same content as `models/<name>/<version>/`.
 * @throws CryfoldError MODEL_NOT_FOUND, ARTIFACT_MISSING, ARTIFACT_CORRUPT, JOB_INVALID
 */
export async function readModelFolder(folder: string): Promise<ReadModel> {
  const read = (path: string) => readRegularFile(join(folder, path), LARGEST_FILE).catch(() => undefined);
  const card = await read('card.json');
  if (!card) {
    throw new CryfoldError('MODEL_NOT_FOUND', `${folder} has no card.json`, {
      context: { folder },
      hint: 'Pass a NAME, NAME@VERSION, or the folder of a version.',
    });
  }
  return readFiles(decodeCard(card, join(folder, 'card.json')), read);
}

async function readFiles(card: ModelCard, read: (path: string) => Promise<Uint8Array | undefined>): Promise<ReadModel> {
  const files = new Map<string, Uint8Array>();
  await Promise.all(
    card.files.map(async ({ path, sha256: hash }) => {
      if (UNUSED.test(path)) return;
      const bytes = await read(path);
      const context = { model: card.name, version: card.version, file: path };
      const hint = 'Train the model again, or use another version. To list all versions, use: cryfold models list';
      const name = `${card.name}@${card.version}: ${path}`;
      if (!bytes) throw new CryfoldError('ARTIFACT_MISSING', `${name} is missing`, { context, hint });
      if (sha256(bytes) !== hash) {
        throw new CryfoldError('ARTIFACT_CORRUPT', `${name} does not match the model card`, { context, hint });
      }
      files.set(path, bytes);
    }),
  );
  if (!card.fusion) return { card, files, fusion: null };
  const { rule, weights } = decodeRecord(fusionSchema, files.get(card.fusion.file) ?? '', card.fusion.file);
  return { card, files, fusion: { rule, ...(weights && { weights }) } };
}
