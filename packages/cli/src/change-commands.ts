import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readArtifact } from '@cryfold/artifacts';
import { CryfoldError, decodeManifest, encodeRecord, planRun, type RunPlan, storeKeys } from '@cryfold/core';
import type { Config } from '@cryfold/runtime';
import { type Control, type ControlOptions, readPlan, statusOf, withControl } from './control.js';
import { EXIT } from './exit-codes.js';
import { ProgressDisplay } from './progress.js';
import { execute, forgetFailures, present, readResults, STOP_SIGNALS } from './run-command.js';
import { makeSplits } from './splits.js';

/** Milliseconds within which every training child must have stopped. */
const STOPPED = 10_000;

/**
 * `cryfold cancel RUN`: leaves a record in the store, which coordinator and workers look for every second or so, and
 * waits until nothing of the run is active any more. Finished folds are kept.
 */
export async function cancelCommand(run: string, options: ControlOptions, config: Config): Promise<number> {
  return withControl(options, config, async (control) => {
    const { store, queues } = control;
    const plan = await readPlan(store, run);
    const ended = await readResults(store, run);
    if (ended) return say(options, `${run} has ended already: ${ended.status}`, { run, state: ended.status });
    const record = { format: 1, run, at: new Date().toISOString() };
    await store.putIfAbsent(storeKeys.cancelled(run), encodeRecord(record));
    const started = Date.now();
    const keys = new Set(plan.jobs.map((job) => job.key));
    while (queues && Date.now() - started < STOPPED) {
      const active = [...(await queues.activeIds('gpu')), ...(await queues.activeIds('cpu'))];
      if (!active.some((id) => keys.has(id))) break;
      await sleep(200);
    }
    const { done, total } = await statusOf(control, run);
    return say(options, `${run} is cancelled; ${done} of ${total} folds were finished and are kept`, {
      run,
      state: 'cancelled',
      done,
      total,
    });
  });
}

function say(options: ControlOptions, text: string, json: object): number {
  process.stdout.write(options.json ? `${JSON.stringify(json)}\n` : `${text}\n`);
  return EXIT.done;
}

export interface DriveOptions extends ControlOptions {
  workers?: number;
}

/** `cryfold retry RUN`: tries failed folds again, and goes on with a run that was stopped or cancelled. */
export async function retryCommand(
  run: string,
  options: DriveOptions,
  config: Config,
  environment: NodeJS.ProcessEnv,
): Promise<number> {
  return withControl(options, config, async (control) => {
    const { store, queues } = control;
    const plan = await readPlan(store, run);
    if ((await readResults(store, run))?.status === 'complete') {
      return say(options, `${run} is complete: nothing to try again`, { run, state: 'complete' });
    }
    if ((await queues?.job('runs', run))?.state === 'active' && !(await store.has(storeKeys.cancelled(run)))) {
      throw new CryfoldError('USAGE', `${run} is still running`, {
        context: { run },
        hint: `Wait for its end, or cryfold cancel ${run} first.`,
      });
    }
    await store.check();
    await forgetFailures(store, run);
    return drive(plan, control, options, config, environment);
  });
}

/**
 * `cryfold extend RUN --repeats N`: the same evaluation with more repeats, as a run of its own. Folds that the two
 * share have the same keys, so only the new ones are trained.
 */
export async function extendCommand(
  run: string,
  options: DriveOptions & { repeats: number },
  config: Config,
  environment: NodeJS.ProcessEnv,
): Promise<number> {
  return withControl(options, config, async (control) => {
    const { store } = control;
    const old = await readPlan(store, run);
    const { repeats } = old.spec.protocol;
    if (options.repeats <= repeats) {
      throw new CryfoldError('USAGE', `--repeats: ${run} has ${repeats} repeats already`, {
        context: { run, repeats },
        hint: `Ask for more than ${repeats}.`,
      });
    }
    const key = storeKeys.manifest(old.dataset.key);
    const manifest = decodeManifest(await readArtifact(store, key), key);
    const spec = { ...old.spec, protocol: { ...old.spec.protocol, repeats: options.repeats } };
    const plan = planRun({ spec, manifest, splits: makeSplits(spec, manifest) });
    await store.check();
    await forgetFailures(store, plan.run);
    await store.put(storeKeys.plan(plan.run), encodeRecord(plan));
    return drive(plan, control, options, config, environment);
  });
}

/** Runs a stored plan to its end, as `cryfold run` does. */
async function drive(
  plan: RunPlan,
  { store, storeUrl }: Control,
  options: DriveOptions,
  config: Config,
  environment: NodeJS.ProcessEnv,
): Promise<number> {
  const display = new ProgressDisplay(process.stderr, options.json);
  display.say(`run ${plan.run} · ${plan.jobs.length} folds`);
  const stop = new AbortController();
  const onSignal = () => {
    if (stop.signal.aborted) process.exit(EXIT.cancelled);
    stop.abort();
  };
  for (const signal of STOP_SIGNALS) process.on(signal, onSignal);
  try {
    const out = resolve(options.out);
    const surroundings = { options, config, environment, out, display, stop: stop.signal };
    const results = await execute(plan, store, storeUrl, surroundings);
    if (!results) return EXIT.cancelled;
    await present(results, store, out, options.json);
    return results.status === 'complete' ? EXIT.done : EXIT.incomplete;
  } finally {
    for (const signal of STOP_SIGNALS) process.off(signal, onSignal);
  }
}
