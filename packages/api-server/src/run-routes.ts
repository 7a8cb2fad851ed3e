import { CryfoldError, LIMITS } from '@cryfold/core';
import { checkSpec, type RunPlan, schedulingChangeSchema } from '@cryfold/plan';
import {
  clusterStatusSchema,
  findJob,
  foldDetail,
  foldLogSchema,
  isUnfinished,
  queueStatus,
  RUN_ID,
  runStatusSchema,
  type StoreControl,
  type WatchedFold,
  watchedFoldSchema,
} from '@cryfold/run-control';
import { z } from 'zod';
import { answers } from './answers.js';
import type { App } from './app.js';
import type { HeldAnswers } from './held-answers.js';
import type { ReportWriter } from './report-writer.js';
import type { RunList } from './run-list.js';

const runParams = z.object({ run: z.string().regex(RUN_ID).max(200) });
const foldParams = runParams.extend({
  trial: z.string().max(200),
  repeat: z.coerce.number().int().min(0),
  fold: z.coerce.number().int().min(0),
});
const limit = z.coerce.number().int().min(1).max(1000);

export interface RunRoutes {
  control: StoreControl;
  list: RunList;
  reports: ReportWriter;
  held: HeldAnswers;
}

/** Adds routes that query and change runs. @param app app at /api/v1, with access control */
export function addRunRoutes(app: App, routes: RunRoutes): void {
  addStatusRoutes(app, routes);
  addFoldRoute(app, routes);
  addTextRoutes(app, routes);
  addSubmitRoute(app, routes);
  addChangeRoutes(app, routes);
}

function addStatusRoutes(app: App, { control, list }: RunRoutes): void {
  app.get(
    '/runs',
    {
      schema: {
        summary: 'All runs, in the order in which the store lists them',
        querystring: z.object({ limit: limit.default(1000), offset: z.coerce.number().int().min(0).default(0) }),
        response: answers(z.array(runStatusSchema)),
      },
    },
    async ({ query }) => (await list.runs()).slice(query.offset, query.offset + query.limit),
  );
  app.get(
    '/cluster',
    { schema: { summary: 'Queues, counters, workers and unfinished runs', response: answers(clusterStatusSchema) } },
    async () => ({ ...(await queueStatus(control.queues)), unfinished: (await list.runs()).filter(isUnfinished) }),
  );
  app.get(
    '/runs/:run',
    { schema: { summary: 'One run', params: runParams, response: answers(runStatusSchema) } },
    async ({ params }) => list.statusOf(params.run),
  );
}

function addFoldRoute(app: App, { control, list, held }: RunRoutes): void {
  app.get(
    '/runs/:run/folds/:trial/:repeat/:fold',
    {
      schema: {
        summary: 'One fold: learning curve, confusion matrix, attempts with logs, and the worker that is training it',
        params: foldParams,
        querystring: z.object({ shuffle: z.coerce.number().int().min(0).optional() }),
        response: answers(watchedFoldSchema),
      },
    },
    async (request) => {
      const { params, query } = request;
      return held.make(request, () => detailOf({ control, list }, params, query.shuffle));
    },
  );
}

/** Everything about one fold, including the worker that is training it. */
async function detailOf(
  { control, list }: Pick<RunRoutes, 'control' | 'list'>,
  fold: z.infer<typeof foldParams>,
  shuffle: number | undefined,
): Promise<WatchedFold> {
  const plan = await control.decoded.plan(fold.run);
  const manifestOf = (of: RunPlan) => control.decoded.manifest(of);
  const name = `${fold.trial}/${fold.repeat}/${fold.fold}`;
  if (shuffle === undefined) {
    const detail = await foldDetail(list.store, plan, findJob(plan, name), manifestOf);
    return { ...detail, training: detail.committed ? null : await trainer(control, fold) };
  }
  const job = plan.jobs.find((one) => {
    const split = plan.splits[one.split];
    return (
      one.trial === fold.trial && split.repeat === fold.repeat && split.fold === fold.fold && one.shuffle === shuffle
    );
  });
  if (!job) throw new CryfoldError('RUN_NOT_FOUND', `run ${fold.run} has no fold ${name} of shuffle ${shuffle}`);
  // Workers do not distinguish a fold with shuffled labels from the original fold.
  return { ...(await foldDetail(list.store, plan, job, manifestOf)), training: null };
}

/** The worker that is training a fold. */
async function trainer(
  control: StoreControl,
  fold: { run: string; trial: string; repeat: number; fold: number },
): Promise<WatchedFold['training']> {
  for (const { host, pid, doing } of (await control.queues?.workers()) ?? []) {
    const one = doing.find(
      ({ run, trial, repeat, fold: index }) =>
        run === fold.run && trial === fold.trial && repeat === fold.repeat && index === fold.fold,
    );
    if (one) return { host, pid, since: one.since, fraction: one.fraction };
  }
  return null;
}

/** Logs and the report. */
function addTextRoutes(app: App, { control, list, reports, held }: RunRoutes): void {
  app.get(
    '/runs/:run/logs',
    {
      schema: {
        summary: 'Logs of one fold (TRIAL/REPEAT/FOLD or a prefix of its key), or of all folds with failed attempts',
        params: runParams,
        querystring: z.object({ fold: z.string().max(300).optional() }),
        response: answers(z.array(foldLogSchema)),
      },
    },
    async (request) => {
      const { params, query } = request;
      return held.make(request, () => control.logs(params.run, query.fold));
    },
  );
  app.get(
    '/runs/:run/report.html',
    { schema: { summary: 'The HTML report of a run that has ended', params: runParams } },
    async ({ params }, reply) => {
      await control.decoded.plan(params.run);
      const results = await list.store.runs.results(params.run);
      if (!results) throw new CryfoldError('RUN_NOT_FOUND', `run ${params.run} has not ended, so it has no report yet`);
      const page = await reports.write(params.run, results.status === 'complete');
      // The report gets its own content security policy with a sandbox, so that it cannot act on behalf of the viewer.
      const policy = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src data:";
      return reply.type('text/html; charset=utf-8').header('content-security-policy', policy).send(page);
    },
  );
}

function addSubmitRoute(app: App, { control, list }: RunRoutes): void {
  app.post(
    '/runs',
    {
      config: { role: 'operate' },
      // This limit leaves room for the spec, the dataset key and the names of both fields.
      bodyLimit: LIMITS.specBytes + 1024,
      schema: {
        summary: 'Start a run of a spec on a dataset whose manifest and features are in the store',
        body: z.object({
          spec: z.record(z.string(), z.unknown()).describe('the YAML spec as JSON'),
          dataset: z.string().regex(/^[0-9a-f]{64}$/),
        }),
        response: answers(runStatusSchema),
      },
    },
    async ({ body }) => list.changed(await control.submit(checkSpec(body.spec, 'spec'), body.dataset)),
  );
}

function addChangeRoutes(app: App, { control, list }: RunRoutes): void {
  app.post(
    '/runs/:run/cancel',
    {
      config: { role: 'operate' },
      schema: {
        summary: 'Cancel a run, and respond when its folds are no longer being trained; finished folds are kept',
        params: runParams,
        response: answers(runStatusSchema),
      },
    },
    async ({ params }) => list.changed(await control.cancel(params.run)),
  );
  app.post(
    '/runs/:run/scheduling',
    {
      config: { role: 'operate' },
      schema: {
        summary: 'Pause or resume a run, or change its priority or the number of folds that may train at the same time',
        params: runParams,
        body: schedulingChangeSchema,
        response: answers(runStatusSchema),
      },
    },
    async ({ params, body }) => list.changed(await control.schedule(params.run, body)),
  );
  app.post(
    '/runs/:run/retry',
    {
      config: { role: 'operate' },
      schema: {
        summary: 'Retry failed folds, or continue a run that was stopped or cancelled',
        params: runParams,
        response: answers(runStatusSchema),
      },
    },
    async ({ params }) => list.changed(await control.retry(params.run)),
  );
  app.post(
    '/runs/:run/extend',
    {
      config: { role: 'operate' },
      schema: {
        summary: 'Start the same evaluation with more repeats, as a new run',
        params: runParams,
        body: z.object({ repeats: z.int().min(1).max(LIMITS.repeats) }),
        response: answers(runStatusSchema),
      },
    },
    async ({ params, body }) => list.changed(await control.extend(params.run, body.repeats)),
  );
}
