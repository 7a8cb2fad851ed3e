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
      /** What was said during it; absent from folds of earlier versions */
      log: z.string().optional(),
    })
    .nullable(),
  /** What was said during attempts whose log is kept */
  failed: z.array(z.object({ attempt: z.string(), log: z.string() })),
});
export type FoldLog = z.infer<typeof foldLogSchema>;

/**
 * The fold that `TRIAL/REPEAT/FOLD` or the beginning of a key names.
 * @throws CryfoldError RUN_NOT_FOUND
 */
export function findJob(plan: RunPlan, name: string): FoldJob {
  const job = plan.jobs.find(({ trial, split, key }) => {
    const { repeat, fold } = plan.splits[split];
    return name === `${trial}/${repeat}/${fold}` || (name.length >= 8 && key.startsWith(name));
  });
  if (job) return job;
  throw new CryfoldError('RUN_NOT_FOUND', `run ${plan.run} has no fold ${JSON.stringify(name)}`, {
    hint: `Folds are called TRIAL/REPEAT/FOLD, such as ${plan.jobs[0]?.trial}/0/0.`,
  });
}

/**
 * Which attempt of a fold was committed, where and when, and what was said during it and others.
 * @param result what is committed of the fold
 */
export async function foldLog(
  folds: RunStore['folds'],
  plan: RunPlan,
  job: FoldJob,
  result: FoldResult | undefined,
): Promise<FoldLog> {
  const { repeat, fold } = plan.splits[job.split];
  const failed: FoldLog['failed'] = [];
  let said: string | undefined;
  let left = FOLD_LOGS;
  for await (const { attempt, key, read } of folds.logs(job.key)) {
    const isCommitted = attempt === result?.attempt;
    if (!isCommitted && left <= 0) {
      failed.push({ attempt, log: `[left out, since the logs of this fold are long: download ${key}]\n` });
      continue;
    }
    const text = await read();
    if (text === undefined) continue;
    const log = tailOf(text);
    if (isCommitted) said = log;
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
    ...(said === undefined ? {} : { log: said }),
  };
  return { trial: job.trial, repeat, fold, key: job.key, committed: committed ?? null, failed };
}

/** Characters of one attempt's log that are shown: its last ones. */
const TAIL = 2 ** 20;

function tailOf(log: string): string {
  return log.length <= TAIL ? log : `[the first ${log.length - TAIL} characters are left out]\n${log.slice(-TAIL)}`;
}

/** Characters of the failed attempts of one fold that are shown together, and up to one more attempt. */
const FOLD_LOGS = 8 * 2 ** 20;

/** Characters of the logs of a whole run that are shown together. */
export const ALL_LOGS = 16 * 2 ** 20;

/** The log of a fold without what was said, where the logs of other folds are long enough. */
export function withoutText({ committed, failed, ...fold }: FoldLog): FoldLog {
  const log = '[left out, since the logs of this run are long: ask for this fold alone]\n';
  return {
    ...fold,
    committed: committed && { ...committed, log },
    failed: failed.map(({ attempt }) => ({ attempt, log })),
  };
}
