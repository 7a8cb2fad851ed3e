import { CryfoldError, decodeRecord, type FoldJob, foldResultSchema, type RunPlan, storeKeys } from '@cryfold/core';
import type { Config } from '@cryfold/runtime';
import { type Control, type ControlOptions, readPlan, withControl } from './control.js';
import { EXIT } from './exit-codes.js';
import { formatSeconds } from './format.js';

interface FoldLog {
  trial: string;
  repeat: number;
  fold: number;
  key: string;
  committed: { attempt: string; host: string; seconds: number; curve: unknown[] } | null;
  failed: { attempt: string; log: string }[];
}

/**
 * `cryfold logs RUN [TRIAL/REPEAT/FOLD]`: which attempt of a fold was committed, where and when, and what was said
 * during those that failed. Without a fold, all that had a failed attempt.
 */
export async function logsCommand(
  run: string,
  fold: string | undefined,
  options: ControlOptions,
  config: Config,
): Promise<number> {
  return withControl(options, config, async (control) => {
    const plan = await readPlan(control.store, run);
    const jobs = fold === undefined ? plan.jobs : [findJob(plan, fold)];
    const logs: FoldLog[] = [];
    for (const job of jobs) {
      const log = await read(control, plan, job);
      if (fold !== undefined || log.failed.length > 0) logs.push(log);
    }
    if (options.json) {
      process.stdout.write(`${JSON.stringify(logs)}\n`);
      return EXIT.done;
    }
    for (const log of logs) print(log);
    if (logs.length === 0) process.stdout.write('no attempt of any fold failed\n');
    return EXIT.done;
  });
}

function findJob(plan: RunPlan, name: string): FoldJob {
  const job = plan.jobs.find(({ trial, split, key }) => {
    const { repeat, fold } = plan.splits[split];
    return name === `${trial}/${repeat}/${fold}` || (name.length >= 8 && key.startsWith(name));
  });
  if (job) return job;
  throw new CryfoldError('RUN_NOT_FOUND', `run ${plan.run} has no fold ${JSON.stringify(name)}`, {
    hint: `Folds are called TRIAL/REPEAT/FOLD, such as ${plan.jobs[0]?.trial}/0/0.`,
  });
}

async function read({ store }: Control, plan: RunPlan, job: FoldJob): Promise<FoldLog> {
  const { repeat, fold } = plan.splits[job.split];
  const key = storeKeys.result(job.key);
  const bytes = await store.get(key);
  const result = bytes && decodeRecord(foldResultSchema, bytes, key);
  const failed: FoldLog['failed'] = [];
  for await (const name of store.list(`folds/${job.key}/`)) {
    const attempt = name.split('/')[2];
    if (name !== storeKeys.log(job.key, attempt)) continue;
    const text = await store.get(name);
    if (text) failed.push({ attempt, log: new TextDecoder().decode(text) });
  }
  const committed = result && {
    attempt: result.attempt,
    host: result.environment.host ?? '',
    seconds: result.seconds,
    curve: result.curve,
  };
  return { trial: job.trial, repeat, fold, key: job.key, committed: committed ?? null, failed };
}

function print({ trial, repeat, fold, key, committed, failed }: FoldLog): void {
  const lines = [`${trial}/${repeat}/${fold}  ${key.slice(0, 12)}`];
  for (const { attempt, log } of failed)
    lines.push(
      `  attempt ${attempt} failed:`,
      ...log
        .trimEnd()
        .split('\n')
        .map((l) => `    ${l}`),
    );
  if (committed) {
    const { attempt, host, seconds, curve } = committed;
    lines.push(`  attempt ${attempt} committed on ${host} after ${formatSeconds(seconds)}, ${curve.length} epochs`);
  } else lines.push('  no result');
  process.stdout.write(`${lines.join('\n')}\n`);
}
