import { printable } from '@cryfold/core';
import { importanceByEstimator } from '@cryfold/hyperparameter-search';
import { MANY_GIVE_BACKS } from '@cryfold/plan';
import { importanceTable, namedTrials, trialTable } from '@cryfold/report';
import { noWorker, type RunStatus, readTrialRows, untakenQueues } from '@cryfold/run-control';
import type { Config } from '@cryfold/runtime';
import { asTyped } from './command-text.js';
import { type ControlOptions, withControl } from './control.js';
import { EXIT } from './exit-codes.js';
import { formatSeconds } from './format.js';
import { runLine } from './run-line.js';
import { resolveRun } from './run-name.js';
import { colors, jsonText, say } from './terminal.js';

const CODES: Record<RunStatus['state'], number> = {
  complete: EXIT.done,
  running: EXIT.done,
  stopped: EXIT.incomplete,
  incomplete: EXIT.incomplete,
  cancelled: EXIT.cancelled,
  newer: EXIT.failed,
  damaged: EXIT.failed,
};

/** States that `cryfold retry` can continue. */
const CONTINUED: ReadonlySet<RunStatus['state']> = new Set(['stopped', 'incomplete', 'cancelled']);

/** `cryfold status [RUN]`: shows the cluster or one run. The exit code reflects the run's state. */
export async function statusCommand(
  name: string | undefined,
  options: ControlOptions,
  config: Config,
): Promise<number> {
  if (name === undefined) return clusterStatus(options, config);
  return withControl(config, async (control) => {
    const run = await resolveRun(name, control.store);
    const status = await control.runs.status(run);
    if (status.damage && status.state !== 'newer') {
      const { hint } = status.damage;
      const lines = [runLine(status), ...(hint ? [`  ${asTyped(hint)}`] : [])];
      say(options.json ? `${jsonText(status)}\n` : `${lines.join('\n')}\n`);
      return CODES[status.state];
    }
    const stored = await control.store.runs.plan(run);
    const { search } = stored.base.spec;
    const trials = await readTrialRows(control.store, stored);
    if (options.json)
      say(
        `${jsonText({ ...status, ...(search ? { search: { trials, importance: importanceByEstimator(trials) } } : {}) })}\n`,
      );
    else {
      const lines = text(search ? { ...status, trials: {} } : status);
      if (search) {
        const shown = namedTrials(stored.base.spec, trials);
        const { metric } = search;
        const importance = importanceTable({ metric, trials }, { color: colors() });
        lines.splice(1, 0, trialTable(shown, metric, { color: colors() }), ...(importance ? ['', importance, ''] : []));
      }
      say(`${lines.join('\n')}\n`);
    }
    return CODES[status.state];
  });
}

function text(status: RunStatus): string[] {
  const lines = [runLine(status)];
  for (const [name, { total, done, failed }] of Object.entries(status.trials)) {
    lines.push(`  ${name.padEnd(20)} ${done}/${total}${failed > 0 ? `, ${failed} failed` : ''}`);
  }
  for (const { trial, repeat, fold, fraction } of status.active) {
    lines.push(`  running: ${trial}/${repeat}/${fold}  ${Math.round(100 * fraction)} %`);
  }
  lines.push(...interruptions(status));
  if (status.etaSeconds !== null) lines.push(`  about ${formatSeconds(status.etaSeconds)} left`);
  for (const { trial, repeat, fold, code, message } of status.failures) {
    lines.push(`  failed: ${trial}/${repeat}/${fold}  ${code}: ${printable(message)}`);
  }
  const [first] = status.failures;
  if (first) lines.push(`  why: ${asTyped(`cryfold logs ${status.run} ${first.trial}/${first.repeat}/${first.fold}`)}`);
  if (first) lines.push(`  try again: ${asTyped(`cryfold retry ${status.run}`)}`);
  else if (CONTINUED.has(status.state)) lines.push(`  continue: ${asTyped(`cryfold retry ${status.run}`)}`);
  return lines;
}

function interruptions({ givenBack = [] }: RunStatus): string[] {
  const lines = givenBack.map(({ trial, repeat, fold, times }) => {
    const what = repeat === undefined ? `preparing ${trial}` : `${trial}/${repeat}/${fold}`;
    return `  interrupted: ${what}  given back ${times === 1 ? 'once' : `${times} times`} by stopping workers`;
  });
  if (givenBack.some(({ times }) => times >= MANY_GIVE_BACKS)) {
    lines.push('  Workers stop before these folds finish: raise CRYFOLD_GRACE_SECONDS, or drain machines less often.');
  }
  return lines;
}

/** Advice for queues without workers. A local run starts its own workers. */
export function workerAdvice(status: Parameters<typeof untakenQueues>[0], target: Config['target']['kind']): string[] {
  return target === 'local' ? [] : untakenQueues(status).map((untaken) => asTyped(noWorker(untaken)));
}

async function clusterStatus(options: ControlOptions, config: Config): Promise<number> {
  return withControl(config, async (control) => {
    const status = await control.runs.cluster();
    const { queues, counters, workers, unfinished } = status;
    if (options.json) {
      say(`${jsonText(status)}\n`);
      return EXIT.done;
    }
    if (!queues) say('REDIS_URL is not set: showing only the store\n');
    for (const [name, of] of Object.entries(queues ?? {})) {
      const parts = Object.entries(of).map(([state, count]) => `${count} ${state}`);
      say(`queue ${name.padEnd(10)} ${parts.join(', ')}\n`);
    }
    if (counters) {
      const { duplicates, failedAttempts, cancelled } = counters;
      say(`${duplicates} duplicates dropped, ${failedAttempts} failed attempts, ${cancelled} cancelled\n`);
    }
    for (const { host, pid, queues: takes, doing } of workers) {
      const now = doing.map(({ trial, repeat, fold, fraction }) =>
        repeat === undefined ? `preparing ${trial}` : `${trial}/${repeat}/${fold} ${Math.round(100 * fraction)} %`,
      );
      say(`worker ${host} ${pid} (${takes.join(', ')}): ${now.join(', ') || 'idle'}\n`);
    }
    for (const line of workerAdvice(status, config.target.kind)) say(`${line}\n`);
    for (const run of unfinished) say(`${runLine(run)}\n`);
    if (unfinished.length === 0) say('no unfinished runs\n');
    return EXIT.done;
  });
}
