import { setTimeout as sleep } from 'node:timers/promises';
import { CryfoldError } from '@cryfold/core';
import { type ModelCard, ModelRegistry, type Promotion, promotionSchema, type RetrainRecord } from '@cryfold/models';
import { z } from 'zod';
import type { HttpClient } from '../http-client.js';
import { HttpStore } from '../http-store.js';
import type { Decision, ModelControl, NewModel, Watching } from './model-control.js';

/** Milliseconds between looks at a server's training. */
const POLL = 1000;

/** How far the making of a model is. */
export const makingSchema = z.discriminatedUnion('state', [
  z.object({ state: z.literal('making'), progress: z.string() }),
  z.object({ state: z.literal('ready'), version: z.string(), known: z.boolean() }),
]);
export type Making = z.infer<typeof makingSchema>;

/** Over a server's API. */
export class HttpModels implements ModelControl {
  constructor(private readonly client: HttpClient) {}

  async make({ run, of, name }: NewModel, { signal, onProgress }: Watching) {
    const path = pathOf(name, 'trainings', run, of);
    let making = await this.client.json(path, makingSchema, { method: 'PUT' });
    while (making.state === 'making') {
      onProgress(making.progress);
      await sleep(POLL, undefined, { signal }).catch(() => {});
      if (signal.aborted) {
        throw new CryfoldError('CANCELLED', `nobody waits any longer for ${name} of run ${run}`, {
          context: { run, model: name },
          hint: 'The server goes on; the same command finds what it made.',
        });
      }
      making = await this.client.json(path, makingSchema).catch((error) => {
        // A server that was started anew knows nothing of it.
        if (error instanceof CryfoldError && error.code === 'MODEL_NOT_FOUND')
          return this.client.json(path, makingSchema, { method: 'PUT' });
        throw error;
      });
    }
    const card: ModelCard = await new ModelRegistry(new HttpStore(this.client)).find(name, making.version);
    return { card, known: making.known };
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
