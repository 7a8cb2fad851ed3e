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
import type { Follower, NewModel } from './training.js';

/** Milliseconds between polls while a server trains. */
const POLL_MS = 1000;

/** Progress of training a model. */
export const makingSchema = z.discriminatedUnion('state', [
  z.object({ state: z.literal('making'), progress: z.string() }),
  z.object({ state: z.literal('ready'), version: z.string(), known: z.boolean() }),
  z.object({ state: z.literal('failed'), error: errorRecordSchema }),
]);
export type Making = z.infer<typeof makingSchema>;

/** Manages models through a server's API. */
export class HttpModels implements ModelControl {
  constructor(private readonly client: HttpClient) {}

  async make({ run, of, name }: NewModel, { signal, onProgress }: Follower) {
    checkModelName(name);
    const path = pathOf(name, 'trainings', run, of);
    const patience = new Patience('Training continues on the server. Run the same command again to follow it.');
    let making: Making | undefined = await patience.ask(() => this.#start(path));
    while (making === undefined || making.state === 'making') {
      onProgress(making?.progress ?? 'the server does not respond; retrying');
      await sleep(POLL_MS, undefined, { signal }).catch(() => {});
      if (signal.aborted) {
        throw new CryfoldError('CANCELLED', `stopped waiting for ${name} of run ${run}`, {
          context: { run, model: name },
          hint: 'A worker may still finish the training. Run the same command again to continue.',
        });
      }
      making = await patience.ask(() => this.#poll(path));
    }
    if (making.state === 'failed') throw CryfoldError.fromRecord(making.error);
    const card: ModelCard = await new ModelRegistry(new HttpStore(this.client)).find(name, making.version);
    return { card, known: making.known };
  }

  #start(path: string): Promise<Making> {
    return this.client.json(path, makingSchema, { method: 'PUT' });
  }

  async #poll(path: string): Promise<Making> {
    try {
      return await this.client.json(path, makingSchema);
    } catch (error) {
      if (!(error instanceof CryfoldError) || error.code !== 'MODEL_NOT_FOUND') throw error;
      // After a restart, or behind a load balancer, the server may have no record of this training.
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
