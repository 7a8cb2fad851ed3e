import {
  clusterStatusSchema,
  findJob,
  foldDetail,
  foldDetailSchema,
  foldLogSchema,
  isUnfinished,
  queueStatus,
  RUN_ID,
  runStatusSchema,
  type StoreControl,
} from '@cryfold/control';
import { CryfoldError, LIMITS } from '@cryfold/core';
import { checkSpec, type RunPlan } from '@cryfold/plan';
import { z } from 'zod';
import { errorAnswer } from './answers.js';
import type { App } from './app.js';
import type { ReportWriter } from './report-writer.js';
import type { RunList } from './run-list.js';

const runParams = z.object({ run: z.string().regex(RUN_ID).max(200) });
const foldParams = runParams.extend({
  trial: z.string().max(200),
  repeat: z.coerce.number().int().min(0),
  fold: z.coerce.number().int().min(0),
});
/** With the worker that has it now; `since` in milliseconds since 1970 by its clock */
const watchedFold = foldDetailSchema.extend({
  training: z.object({ host: z.string(), pid: z.int(), since: z.number(), fraction: z.number() }).nullable(),
});
const limit = z.coerce.number().int().min(1).max(1000);

export interface RunRoutes {
  control: StoreControl;
  list: RunList;
  reports: ReportWriter;
}

const answers = <T extends z.ZodType>(ok: T) => ({ 200: ok, '4xx': errorAnswer, '5xx': errorAnswer });

/** What can be asked of runs and done to them. @param app below /api/v1, behind the check of roles */
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
        summary: 'All runs, newest plans last as the store lists them',
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

function addFoldRoute(app: App, { control, list }: RunRoutes): void {
  app.get(
    '/runs/:run/folds/:trial/:repeat/:fold',
    {
      schema: {
        summary: 'One fold: learning curve, confusion matrix, attempts and their logs; who trains it now',
        params: foldParams,
        querystring: z.object({ shuffle: z.coerce.number().int().min(0).optional() }),
        response: answers(watchedFold),
      },
    },
    async ({ params: { run, trial, repeat, fold }, query: { shuffle } }) => {
      const plan = await control.decoded.plan(run);
      const manifestOf = (of: RunPlan) => control.decoded.manifest(of);
      const name = `${trial}/${repeat}/${fold}`;
      if (shuffle === undefined) {
        const detail = await foldDetail(list.store.artifacts, plan, findJob(plan, name), manifestOf);
        return { ...detail, training: detail.committed ? null : await trainer(control, { run, trial, repeat, fold }) };
      }
      const job = plan.jobs.find((job) => {
        const split = plan.splits[job.split];
        return job.trial === trial && split.repeat === repeat && split.fold === fold && job.shuffle === shuffle;
      });
      if (!job) throw new CryfoldError('RUN_NOT_FOUND', `run ${run} has no fold ${name} of shuffle ${shuffle}`);
      // Workers do not tell a fold of shuffled labels from the fold itself.
      return { ...(await foldDetail(list.store.artifacts, plan, job, manifestOf)), training: null };
    },
  );
}

/** The worker that trains a fold now. */
async function trainer(control: StoreControl, fold: { run: string; trial: string; repeat: number; fold: number }) {
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
function addTextRoutes(app: App, { control, list, reports }: RunRoutes): void {
  app.get(
    '/runs/:run/logs',
    {
      schema: {
        summary: 'Logs of one fold (TRIAL/REPEAT/FOLD or the beginning of its key), else of all with a failed attempt',
        params: runParams,
        querystring: z.object({ fold: z.string().max(300).optional() }),
        response: answers(z.array(foldLogSchema)),
      },
    },
    async ({ params, query }) => control.logs(params.run, query.fold),
  );
  app.get(
    '/runs/:run/report.html',
    { schema: { summary: 'The HTML report of a run that has ended', params: runParams } },
    async ({ params }, reply) => {
      await control.decoded.plan(params.run);
      const results = await list.store.runs.results(params.run);
      if (!results) throw new CryfoldError('RUN_NOT_FOUND', `run ${params.run} has not ended: there is no report yet`);
      const page = await reports.write(params.run, results.status === 'complete');
      // The report's own policy, in a sandbox: nothing in it may speak for whoever reads it.
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
      // The spec, the dataset's key and the names of both.
      bodyLimit: LIMITS.specBytes + 1024,
      schema: {
        summary: 'Start a spec over a dataset whose manifest and images are in the store',
        body: z.object({
          spec: z.record(z.string(), z.unknown()).describe('as the YAML spec'),
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
        summary: 'Stop a run; answers once nothing of it trains any more. Finished folds are kept',
        params: runParams,
        response: answers(runStatusSchema),
      },
    },
    async ({ params }) => list.changed(await control.cancel(params.run)),
  );
  app.post(
    '/runs/:run/retry',
    {
      config: { role: 'operate' },
      schema: {
        summary: 'Try failed folds again, and go on with a run that was stopped or cancelled',
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
        summary: 'The same evaluation with more repeats, as a run of its own',
        params: runParams,
        body: z.object({ repeats: z.int().min(1).max(LIMITS.repeats) }),
        response: answers(runStatusSchema),
      },
    },
    async ({ params, body }) => list.changed(await control.extend(params.run, body.repeats)),
  );
}
