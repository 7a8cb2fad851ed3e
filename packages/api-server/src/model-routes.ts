import { CryfoldError } from '@cryfold/core';
import { MODEL_NAME, ModelRegistry, promotionSchema, retrainRecordSchema } from '@cryfold/model-registry';
import {
  type ListedModels,
  listedModelsSchema,
  listVersions,
  type ModelControl,
  makingSchema,
  RUN_ID,
  runStatusSchema,
  type StoreControl,
} from '@cryfold/run-control';
import { z } from 'zod';
import { answers } from './answers.js';
import type { App } from './app.js';
import type { ModelMaker } from './model-maker.js';
import type { RunList } from './run-list.js';

const nameParams = z.object({ name: z.string().regex(MODEL_NAME) });
const run = z.string().regex(RUN_ID).max(200);
const makingParams = nameParams.extend({ run, of: z.string().min(1).max(200) });
const version = z.string().regex(/^[0-9a-f]{1,12}$/);
const reason = z.string().max(10_000);

/** Maximum size in bytes of a retraining report, and of a promotion with its evidence. */
const RETRAIN = 256 * 1024;

/**
 * Milliseconds for which the list of versions is cached for all viewers, because each card must be read from the store.
 */
const FRESH_MS = 2000;

export interface ModelRoutes {
  control: StoreControl;
  models: ModelControl;
  maker: ModelMaker;
  list: RunList;
}

/**
 * Operations on final models. Clients read cards and files through the artifact routes.
 * @param app see `addRunRoutes`
 */
export function addModelRoutes(app: App, routes: ModelRoutes): void {
  addListRoute(app, routes);
  addTrainingRoutes(app, routes);
  addPromotionRoutes(app, routes);
  addRetrainRoutes(app, routes);
}

function addListRoute(app: App, { control }: ModelRoutes): void {
  const registry = new ModelRegistry(control.store.artifacts);
  let held: { until: number; models: Promise<ListedModels> } | undefined;
  const list = () => {
    if (held && Date.now() < held.until) return held.models;
    const own = { until: Date.now() + FRESH_MS, models: listVersions(registry) };
    held = own;
    own.models.catch(() => {
      if (held === own) held = undefined;
    });
    return own.models;
  };
  app.get(
    '/models',
    {
      schema: {
        summary: 'All versions of final models, the newest first, with their headline figures, and damaged records',
        response: answers(listedModelsSchema),
      },
    },
    async () => list(),
  );
}

function addTrainingRoutes(app: App, { maker }: ModelRoutes): void {
  app.put(
    '/models/:name/trainings/:run/:of',
    {
      config: { role: 'operate' },
      schema: {
        summary: 'Refit an estimator or fusion of a finished run on all data, as a new version of the model',
        params: makingParams,
        response: answers(makingSchema),
      },
    },
    async ({ params }) => maker.start(params),
  );
  app.get(
    '/models/:name/trainings/:run/:of',
    {
      schema: {
        summary: 'State of the training: in progress, ready, or failed with an error',
        params: makingParams,
        response: answers(makingSchema),
      },
    },
    async ({ params }) => maker.state(params),
  );
}

function addPromotionRoutes(app: App, { models }: ModelRoutes): void {
  app.post(
    '/models/:name/promotions',
    {
      config: { role: 'operate' },
      bodyLimit: RETRAIN,
      schema: {
        summary:
          'Promote a version to champion, unless `expected` differs from the sequence number of the last promotion',
        params: nameParams,
        body: z.object({
          version,
          by: z.enum(['promote', 'retrain']),
          reason,
          evidence: z.record(z.string(), z.unknown()).optional(),
          expected: z.int().min(0).optional(),
        }),
        response: answers(promotionSchema),
      },
    },
    async ({ params: { name }, body: { version, ...decision } }) => models.promote(name, version, decision),
  );
  app.post(
    '/models/:name/rollback',
    {
      config: { role: 'operate' },
      schema: {
        summary: 'Roll back to the previous champion',
        params: nameParams,
        body: z.object({ reason }),
        response: answers(promotionSchema),
      },
    },
    async ({ params, body }) => models.rollback(params.name, body.reason),
  );
}

/**
 * Routes for retraining: one starts a run that trains a stand-in for the champion on the challenger's folds, and the
 * other records the outcome.
 */
function addRetrainRoutes(app: App, { control, models, list }: ModelRoutes): void {
  app.post(
    '/models/:name/champion-runs',
    {
      config: { role: 'operate' },
      schema: {
        summary: 'Start a run that trains a stand-in for a model version on the folds of a challenger’s run',
        params: nameParams,
        body: z.object({ version, challenger: run }),
        response: answers(runStatusSchema),
      },
    },
    async ({ params, body: { version, challenger } }) =>
      list.changed(await control.submitChampion(params.name, version, challenger)),
  );
  app.put(
    '/models/:name/last-retrain',
    {
      config: { role: 'operate' },
      bodyLimit: RETRAIN,
      schema: {
        summary: 'Save the outcome of the last retraining of the model',
        params: nameParams,
        body: retrainRecordSchema,
        response: answers(retrainRecordSchema),
      },
    },
    async ({ params, body }) => {
      if (body.model !== params.name) {
        throw new CryfoldError('API_INVALID', `body.model: ${body.model} does not match ${params.name} in the path`);
      }
      await models.keepRetrain(body);
      return body;
    },
  );
}
