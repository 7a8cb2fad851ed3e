import { CryfoldError, decodeRecord, encodeRecord, FORMATS, isUnreadable } from '@cryfold/core';
import type { ArtifactStore } from '@cryfold/store';
import { z } from 'zod';
import { decodeCard, type ModelCard } from './card.js';

const version = z.string().regex(/^[0-9a-f]{12}$/);

/** `models/<name>/promotions/<seq>.json`: each record is committed once, and the last one determines the champion. */
export const promotionSchema = z.strictObject({
  format: z.literal(FORMATS.model),
  seq: z.int().min(1),
  version,
  previous: version.nullable(),
  at: z.iso.datetime(),
  by: z.enum(['promote', 'rollback', 'retrain']),
  reason: z.string(),
  /** What a retraining found; see docs/final-models.md */
  evidence: z.record(z.string(), z.unknown()).optional(),
});
export type Promotion = z.infer<typeof promotionSchema>;

export const modelKeys = {
  file: (name: string, version: string, path: string) => `models/${name}/${version}/${path}`,
  card: (name: string, version: string) => `models/${name}/${version}/card.json`,
  promotions: (name: string) => `models/${name}/promotions/`,
  promotion: (name: string, seq: number) => `models/${name}/promotions/${String(seq).padStart(8, '0')}.json`,
  /** A copy of the last promotion, for other tools */
  champion: (name: string) => `models/${name}/champion.json`,
  /** Outcome of the last `cryfold retrain` */
  lastRetrain: (name: string) => `models/${name}/last-retrain.json`,
} as const;

export const MODEL_NAME = /^[a-z0-9][a-z0-9-]{0,40}$/;

/** @throws CryfoldError USAGE if the name is invalid for a new model */
export function checkModelName(name: string): void {
  if (MODEL_NAME.test(name)) return;
  throw new CryfoldError('USAGE', `${JSON.stringify(name)} is not a valid model name`, {
    hint: 'Use at most 41 lower-case letters, digits and dashes.',
  });
}

const unknown = (name: string) =>
  new CryfoldError('MODEL_NOT_FOUND', `there is no model named ${name}`, {
    context: { model: name },
    hint: 'Check --store. To list the models in the store, use: cryfold models list',
  });

/**
 * The models of a store: their versions and champions. Promotions are a sequence of records that are each committed
 * only once. If two commands try to replace the same champion, only one succeeds, and the other gets an error.
 */
export class ModelRegistry {
  readonly #store: ArtifactStore;

  constructor(store: ArtifactStore) {
    this.#store = store;
  }

  /** Returns the names of all models, in order. */
  async names(): Promise<string[]> {
    const names = new Set<string>();
    for await (const key of this.#store.list('models/')) {
      const [, name, version, file] = key.split('/');
      if (file === 'card.json' && version !== 'promotions') names.add(name);
    }
    return [...names];
  }

  /** Returns the cards of all versions that can be read, oldest first. */
  async versions(name: string): Promise<ModelCard[]> {
    return (await this.#read(name)).cards;
  }

  /**
   * Reads all records of a model.
   * @returns the readable records; `damaged` contains an error for each card that cannot be read, and for the last
   * promotion if it cannot be read
   */
  async scan(name: string): Promise<{ cards: ModelCard[]; champion: Promotion | undefined; damaged: CryfoldError[] }> {
    const { cards, damaged } = await this.#read(name);
    const champion = await this.champion(name).catch((error) => {
      if (!isUnreadable(error)) throw error;
      damaged.push(error);
      return undefined;
    });
    return { cards, champion, damaged };
  }

  async #read(name: string): Promise<{ cards: ModelCard[]; damaged: CryfoldError[] }> {
    this.#check(name);
    const cards: ModelCard[] = [];
    const damaged: CryfoldError[] = [];
    for await (const key of this.#store.list(`models/${name}/`)) {
      if (!/^models\/[^/]+\/[0-9a-f]{12}\/card\.json$/.test(key)) continue;
      const bytes = await this.#store.get(key);
      try {
        if (bytes) cards.push(decodeCard(bytes, key));
      } catch (error) {
        if (!isUnreadable(error)) throw error;
        damaged.push(error);
      }
    }
    return { cards: cards.sort((a, b) => (a.created < b.created ? -1 : 1)), damaged };
  }

  /**
   * @param version a version or an unambiguous prefix of one; absent: the champion
   * @throws CryfoldError MODEL_NOT_FOUND
   */
  async find(name: string, version?: string): Promise<ModelCard> {
    this.#check(name);
    const wanted = version ?? (await this.champion(name))?.version;
    if (wanted !== undefined && /^[0-9a-f]{12}$/.test(wanted)) {
      const bytes = await this.#store.get(modelKeys.card(name, wanted));
      if (bytes) return decodeCard(bytes, modelKeys.card(name, wanted));
    }
    const all = await this.versions(name);
    const found = wanted === undefined || wanted === '' ? [] : all.filter((card) => card.version.startsWith(wanted));
    if (found.length === 1) return found[0];
    if (all.length === 0) throw unknown(name);
    const why =
      wanted === undefined
        ? `no version of ${name} has been promoted yet`
        : `${name} has ${found.length === 0 ? 'no version' : `${found.length} versions starting with`} ${wanted}`;
    const hint = `Versions: ${all.map((card) => card.version).join(', ')}. To promote the newest one, use: cryfold models promote ${name}@${all.at(-1)?.version}`;
    throw new CryfoldError('MODEL_NOT_FOUND', why, { context: { model: name }, hint });
  }

  /** Returns all promotions, oldest first. */
  async history(name: string): Promise<Promotion[]> {
    this.#check(name);
    const history: Promotion[] = [];
    for await (const key of this.#store.list(modelKeys.promotions(name))) {
      const bytes = await this.#store.get(key);
      if (bytes) history.push(decodeRecord(promotionSchema, bytes, key));
    }
    return history;
  }

  /** Returns the current promotion, if any. Sends only two requests, no matter how long the history is. */
  async champion(name: string): Promise<Promotion | undefined> {
    this.#check(name);
    let last: string | undefined;
    for await (const key of this.#store.list(modelKeys.promotions(name))) last = key;
    const bytes = last === undefined ? undefined : await this.#store.get(last);
    return bytes && decodeRecord(promotionSchema, bytes, last ?? '');
  }

  /**
   * Makes a version the champion.
   * @param expected `seq` of the promotion on which the decision was based; 0 if there was no champion
   * @throws CryfoldError PROMOTION_LOST if there is a later promotion; MODEL_NOT_FOUND
   */
  async promote(
    name: string,
    version: string,
    what: Pick<Promotion, 'by' | 'reason' | 'evidence'>,
    expected?: number,
  ): Promise<Promotion> {
    const card = await this.find(name, version);
    const champion = await this.champion(name);
    const seq = expected ?? champion?.seq ?? 0;
    const promotion: Promotion = {
      format: FORMATS.model,
      seq: seq + 1,
      version: card.version,
      previous: champion?.version ?? null,
      at: new Date().toISOString(),
      ...what,
    };
    const later = (champion?.seq ?? 0) > seq;
    if (later || !(await this.#store.putIfAbsent(modelKeys.promotion(name, seq + 1), encodeRecord(promotion)))) {
      throw new CryfoldError('PROMOTION_LOST', `another command promoted a version of ${name} in the meantime`, {
        context: { model: name, version: card.version },
        hint: `Before you try again, compare your version with the new champion. To show the card of the champion, use: cryfold models show ${name}`,
      });
    }
    await this.#copyChampion(name);
    return promotion;
  }

  /**
   * Rolls back to the previous champion; repeated calls go further back.
   * @throws CryfoldError MODEL_NOT_FOUND if there is no earlier champion
   */
  async rollback(name: string, reason: string): Promise<Promotion> {
    const history = await this.history(name);
    const stack: string[] = [];
    for (const { by, version } of history) {
      if (by === 'rollback') stack.pop();
      else if (stack.at(-1) !== version) stack.push(version);
    }
    const before = stack.at(-2);
    if (before === undefined) {
      if (history.length === 0 && (await this.versions(name)).length === 0) throw unknown(name);
      throw new CryfoldError('MODEL_NOT_FOUND', `${name} has no earlier champion`, {
        context: { model: name },
        hint: `Choose another version with cryfold models promote. To show the versions, use: cryfold models show ${name}`,
      });
    }
    return this.promote(name, before, { by: 'rollback', reason }, history.at(-1)?.seq);
  }

  /**
   * Concurrent promotions may write their copies in any order, so each of them repeats this until the stored copy
   * matches the last promotion.
   */
  async #copyChampion(name: string): Promise<void> {
    let copied = 0;
    for (;;) {
      const champion = await this.champion(name);
      if (!champion || champion.seq === copied) return;
      await this.#store.put(modelKeys.champion(name), encodeRecord(champion));
      copied = champion.seq;
    }
  }

  #check(name: string): void {
    if (MODEL_NAME.test(name)) return;
    throw new CryfoldError('MODEL_NOT_FOUND', `${JSON.stringify(name)} is not a valid model name`, {
      hint: 'A name may contain only lower-case letters, digits and dashes.',
    });
  }
}
