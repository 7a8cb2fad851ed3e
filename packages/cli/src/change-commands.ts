import { CryfoldError, counted } from '@cryfold/core';
import type { RunPlan, SchedulingChange } from '@cryfold/plan';
import type { Config } from '@cryfold/runtime';
import { asTyped } from './command-text.js';
import { type Control, type ControlOptions, withControl } from './control.js';
import { Copies } from './copies.js';
import { execute, type Surroundings } from './execute.js';
import { EXIT } from './exit-codes.js';
import { present } from './present.js';
import { ProgressDisplay } from './progress.js';
import { resolveRun } from './run-name.js';
import { untilStopped } from './stop-signals.js';
import { jsonText, say } from './terminal.js';

/**
 * `cryfold cancel RUN`: writes a record to the store, and waits until no job of the run is active. The coordinator and
 * the workers check for this record about every second. Finished folds are kept.
 */
export async function cancelCommand(name: string, options: ControlOptions, config: Config): Promise<number> {
  return withControl(config, async ({ runs, store }) => {
    const run = await resolveRun(name, store);
    const { state, done, total, damage } = await runs.cancel(run);
    if (damage && state === 'cancelled') {
      return answer(options, `${run} is cancelled, but its records cannot be read: ${damage.code}: ${damage.message}`, {
        ...{ run, state, damage },
      });
    }
    if (state !== 'cancelled') return answer(options, `${run} has already ended: ${state}`, { run, state });
    const kept = `${run} is cancelled; ${done} of ${total} folds had finished and are kept`;
    return answer(options, `${kept}\ncontinue it: ${asTyped(`cryfold retry ${run}`)}`, {
      run,
      state,
      done,
      total,
    });
  });
}

/** `cryfold pause RUN`, `resume RUN`, `schedule RUN`: change how a run shares the workers with other runs. */
export async function scheduleCommand(
  name: string,
  change: SchedulingChange,
  options: ControlOptions,
  config: Config,
): Promise<number> {
  return withControl(config, async ({ runs, store }) => {
    const run = await resolveRun(name, store);
    const { state, done, total, scheduling } = await runs.schedule(run, change);
    if (!scheduling) return answer(options, `${run} has already ended: ${state}`, { run, state });
    const { priority, maxParallel, paused } = scheduling;
    const limit = maxParallel === undefined ? '' : `, at most ${maxParallel} folds at once`;
    const text = `${run}: ${paused ? 'paused' : state}, ${done} of ${total} folds done, priority ${priority}${limit}`;
    return answer(options, text, { run, state, done, total, scheduling });
  });
}

function answer(options: ControlOptions, text: string, json: object): number {
  say(options.json ? `${jsonText(json)}\n` : `${text}\n`);
  return EXIT.done;
}

export interface DriveOptions extends ControlOptions {
  workers?: number;
  /** Folder for copies of the results */
  out?: string;
  force: boolean;
}

/** `cryfold retry RUN`: retries failed folds, or continues a run that was stopped or cancelled. */
export async function retryCommand(
  name: string,
  options: DriveOptions,
  config: Config,
  environment: NodeJS.ProcessEnv,
): Promise<number> {
  return withControl(config, async (control) => {
    const run = await resolveRun(name, control.store);
    refuseLive(run, control);
    const { state } = await control.runs.retry(run);
    if (state === 'complete') return answer(options, `${run} is complete: nothing to retry`, { run, state });
    return drive((await control.store.runs.plan(run)).plan, control, { options, config, environment });
  });
}

/**
 * `cryfold extend RUN --repeats N`: starts the same evaluation with more repeats, as a new run. Both runs share fold
 * keys, so only the new folds are trained.
 */
export async function extendCommand(
  name: string,
  options: DriveOptions & { repeats: number },
  config: Config,
  environment: NodeJS.ProcessEnv,
): Promise<number> {
  return withControl(config, async (control) => {
    const run = await resolveRun(name, control.store);
    refuseLive(run, control);
    const extended = await control.runs.extend(run, options.repeats);
    return drive((await control.store.runs.plan(extended.run)).plan, control, { options, config, environment });
  });
}

/**
 * Fails, before anything is changed, if another command is executing the run.
 * @throws CryfoldError USAGE
 */
function refuseLive(run: string, { live }: Control): void {
  const same = live.find((one) => one.run === run);
  if (!same) return;
  throw new CryfoldError('USAGE', `${run} is still running in process ${same.pid} on ${same.host}`, {
    context: { run, pid: same.pid },
    hint: `Wait until the run finishes, or stop it with: ${asTyped(`cryfold cancel ${run}`)}`,
  });
}

/** Executes a stored plan until the run ends, as `cryfold run` does. */
async function drive(
  plan: RunPlan,
  { store, storeUrl, server }: Control,
  { options, config, environment }: Pick<Surroundings, 'config' | 'environment'> & { options: DriveOptions },
): Promise<number> {
  const display = new ProgressDisplay(process.stderr, options.json);
  display.say(`run ${plan.run} · ${counted(plan.jobs.length, 'fold')}`);
  const copies = options.out === undefined ? undefined : new Copies(options.out, options.force);
  await copies?.checkWritable();
  await copies?.checkFree({ run: plan.run });
  const surroundings = { options, config, environment, copies, display, store, storeUrl, server };
  return untilStopped(async (stop) => {
    const results = await execute(plan, { ...surroundings, stop });
    if (!results) return EXIT.cancelled;
    await present(results, surroundings, options.json);
    return results.status === 'complete' ? EXIT.done : EXIT.incomplete;
  }, config);
}
