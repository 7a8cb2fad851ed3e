import { counted } from '@cryfold/core';
import type { FoldLog } from '@cryfold/run-control';
import { type Config, readableLog } from '@cryfold/runtime';
import { type ControlOptions, withControl } from './control.js';
import { EXIT } from './exit-codes.js';
import { formatSeconds } from './format.js';
import { resolveRun } from './run-name.js';
import { jsonText, say } from './terminal.js';

/**
 * `cryfold logs RUN [TRIAL/REPEAT/FOLD]`: shows which attempt of a fold was committed, its host, its duration and its
 * log, and the logs of failed attempts. If no fold is given, shows the logs of failed attempts of all folds. Lines are
 * formatted for people; --json prints them as stored.
 */
export async function logsCommand(
  name: string,
  fold: string | undefined,
  options: ControlOptions,
  config: Config,
): Promise<number> {
  return withControl(config, async (control) => {
    const logs = await control.runs.logs(await resolveRun(name, control.store), fold);
    if (options.json) {
      say(`${jsonText(logs)}\n`);
      return EXIT.done;
    }
    for (const log of logs) print(log);
    if (logs.length === 0) say('no attempt of any fold failed\n');
    return EXIT.done;
  });
}

/** Fields that are already shown in the line above an attempt's log. */
const HEADED = ['key', 'attempt'];

function print({ trial, repeat, fold, key, committed, failed }: FoldLog): void {
  const lines = [`${trial}/${repeat}/${fold}  ${key.slice(0, 12)}`];
  const indented = (log: string) =>
    log === ''
      ? []
      : readableLog(log.trimEnd(), HEADED)
          .split('\n')
          .map((line) => `    ${line}`);
  for (const { attempt, log } of failed) lines.push(`  attempt ${attempt} failed:`, ...indented(log));
  if (committed) {
    const { attempt, host, seconds, curve } = committed;
    lines.push(
      `  attempt ${attempt} committed on ${host} after ${formatSeconds(seconds)}, ${counted(curve.length, 'epoch')}`,
    );
    lines.push(...indented(committed.log ?? ''));
  } else lines.push('  no result');
  say(`${lines.join('\n')}\n`);
}
