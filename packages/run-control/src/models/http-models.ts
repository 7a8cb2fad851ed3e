import { setTimeout as sleep } from 'node:timers/promises';
import { CryfoldError, errorRecordSchema } from '@cryfold/core';
import {
  checkModelName,
  type ModelCard,
  ModelRegistry,
  type Promotion,
  promotionSchema,
  type RetrainRecord,
} from '@cryfold/model-registry';
import { z } from 'zod';
import type { HttpClient } from '../http-client.js';
import { HttpStore } from '../http-store.js';
import { Patience } from '../patience.js';
import type { Decision, ModelControl } from './model-control.js';
import type { NewModel, Watching } from './training.js';

/** Milliseconds between looks at a server's training. */
const POLL_MS = 1000;

/** How far the making of a model is. */
export const makingSchema = z.discriminatedUnion('state', [
  z.object({ state: z.literal('making'), progress: z.string() }),
  z.object({ state: z.literal('ready'), version: z.string(), known: z.boolean() }),
  z.object({ state: z.literal('failed'), error: errorRecordSchema }),
]);
export type Making = z.infer<typeof makingSchema>;

/** Over a server's API. */
export class HttpModels implements ModelControl {
  constructor(private readonly client: HttpClient) {}

  async make({ run, of, name }: NewModel, { signal, onProgress }: Watching) {
    checkModelName(name);
    const path = pathOf(name, 'trainings', run, of);
    const patience = new Patience('What trains goes on; the same command follows it.');
    let making: Making | undefined = await patience.ask(() => this.#start(path));
    while (making === undefined || making.state === 'making') {
      onProgress(making?.progress ?? 'the server does not answer; trying again');
      await sleep(POLL_MS, undefined, { signal }).catch(() => {});
      if (signal.aborted) {
        throw new CryfoldError('CANCELLED', `nobody waits any longer for ${name} of run ${run}`, {
          context: { run, model: name },
          hint: 'A worker may still end its training; the same command goes on from there.',
        });
      }
      making = await patience.ask(() => this.#look(path));
    }
    if (making.state === 'failed') throw CryfoldError.fromRecord(making.error);
    const card: ModelCard = await new ModelRegistry(new HttpStore(this.client)).find(name, making.version);
    return { card, known: making.known };
  }

  #start(path: string): Promise<Making> {
    return this.client.json(path, makingSchema, { method: 'PUT' });
  }

  async #look(path: string): Promise<Making> {
    try {
      return await this.client.json(path, makingSchema);
    } catch (error) {
      if (!(error instanceof CryfoldError) || error.code !== 'MODEL_NOT_FOUND') throw error;
      // A server that was started anew, or another one behind the same address, knows nothing of it.
      return this.#start(path);
    }
  }

  async promote(name: string, version: string, decision: Decision): Promise<Promotion> {
    const json = { version, ...decision };
    return this.client.json(pathOf(name, 'promotions'), promotionSchema, { method: 'POST', json });
  }

  async rollback(name: string, reason: string): Promise<Promotion> {
    return this.client.json(pathOf(name, 'rollback'), promotionSchema, { method: 'POST', json: { reason } });
  }

  async keepRetrain(record: RetrainRecord): Promise<void> {
    await this.client.send(pathOf(record.model, 'last-retrain'), { method: 'PUT', json: record });
  }
}

const pathOf = (...parts: string[]) => ['models', ...parts.map(encodeURIComponent)].join('/');
