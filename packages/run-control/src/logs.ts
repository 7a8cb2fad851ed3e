import { CryfoldError, epochSchema } from '@cryfold/core';
import type { FoldJob, FoldResult, RunPlan } from '@cryfold/plan';
import type { RunStore } from '@cryfold/store';
import { z } from 'zod';

export const foldLogSchema = z.object({
  trial: z.string(),
  repeat: z.int(),
  fold: z.int(),
  key: z.string(),
  committed: z
    .object({
      attempt: z.string(),
      host: z.string(),
      seconds: z.number(),
      curve: z.array(epochSchema),
      /** Log of the attempt; absent in results from earlier versions */
      log: z.string().optional(),
    })
    .nullable(),
  /** Stored logs of failed attempts */
  failed: z.array(z.object({ attempt: z.string(), log: z.string() })),
});
export type FoldLog = z.infer<typeof foldLogSchema>;

/**
 * Finds a fold by `TRIAL/REPEAT/FOLD` or a prefix of its key.
 * @throws CryfoldError RUN_NOT_FOUND
 */
export function findJob(plan: RunPlan, name: string): FoldJob {
  const job = plan.jobs.find(({ trial, split, key }) => {
    const { repeat, fold } = plan.splits[split];
    return name === `${trial}/${repeat}/${fold}` || (name.length >= 8 && key.startsWith(name));
  });
  if (job) return job;
  throw new CryfoldError('RUN_NOT_FOUND', `run ${plan.run} has no fold ${JSON.stringify(name)}`, {
    hint: `Specify the fold as TRIAL/REPEAT/FOLD, such as ${plan.jobs[0]?.trial}/0/0.`,
  });
}

/** The committed attempt of a fold and the logs of all attempts. @param result committed result of the fold, if any */
export async function foldLog(
  folds: RunStore['folds'],
  plan: RunPlan,
  job: FoldJob,
  result: FoldResult | undefined,
): Promise<FoldLog> {
  const { repeat, fold } = plan.splits[job.split];
  const failed: FoldLog['failed'] = [];
  let committedLog: string | undefined;
  let left = FOLD_LOGS;
  for await (const { attempt, key, read } of folds.logs(job.key)) {
    const isCommitted = attempt === result?.attempt;
    if (!isCommitted && left <= 0) {
      failed.push({ attempt, log: `[omitted because the logs of this fold are long: download ${key}]\n` });
      continue;
    }
    const text = await read();
    if (text === undefined) continue;
    const log = tailOf(text);
    if (isCommitted) committedLog = log;
    else {
      failed.push({ attempt, log });
      left -= log.length;
    }
  }
  const committed = result && {
    attempt: result.attempt,
    host: result.environment.host ?? '',
    seconds: result.seconds,
    curve: result.curve,
    ...(committedLog === undefined ? {} : { log: committedLog }),
  };
  return { trial: job.trial, repeat, fold, key: job.key, committed: committed ?? null, failed };
}

/** Maximum number of characters to show of one log; the end of the log is kept. */
const TAIL = 2 ** 20;

function tailOf(log: string): string {
  return log.length <= TAIL ? log : `[first ${log.length - TAIL} characters omitted]\n${log.slice(-TAIL)}`;
}

/** Maximum number of characters to show of all failed attempts of a fold; the last log may exceed it. */
const FOLD_LOGS = 8 * 2 ** 20;

/** Maximum number of characters to show of all logs of a run. */
export const ALL_LOGS = 16 * 2 ** 20;

/** Replaces the text of a fold's logs with a note, for runs whose logs together exceed the limit. */
export function withoutText({ committed, failed, ...fold }: FoldLog): FoldLog {
  const log = '[omitted because the logs of this run are long: request this fold alone]\n';
  return {
    ...fold,
    committed: committed && { ...committed, log },
    failed: failed.map(({ attempt }) => ({ attempt, log })),
  };
}
