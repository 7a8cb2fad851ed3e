import { resolve } from 'node:path';
import { CryfoldError } from '@cryfold/core';
import { publish } from '@cryfold/local-run';
import type { RunPlan } from '@cryfold/plan';
import { checkRedis, traceJobs } from '@cryfold/queue';
import { HttpClient, HttpControl } from '@cryfold/run-control';
import { type Config, startTracing, traced } from '@cryfold/runtime';
import { execute } from './execute.js';
import { EXIT } from './exit-codes.js';
import { openStoreOf } from './open-store.js';
import { applyOverrides, type Overrides, PAPER_SPEC, prepareChecked, readSpec } from './prepare.js';
import { present } from './present.js';
import { ProgressDisplay } from './progress.js';
import { noLongerFollowing } from './server-run.js';
import { untilStopped } from './stop-signals.js';
import { requireStore, storeUrlOf } from './store-url.js';
import { checkOutFolder } from './write-out.js';

export interface RunOptions extends Overrides {
  spec?: string;
  data: string;
  out: string;
  limit?: number;
  workers?: number;
  skipBad: boolean;
  allowLeak: boolean;
  groupDuplicates: boolean;
  /** Serve the live page; true: on any free port */
  ui?: number | true;
  json: boolean;
}

/** `cryfold run`: evaluates, shows progress, prints Table II. Answers the exit code. */
export async function runCommand(options: RunOptions, config: Config, environment: NodeJS.ProcessEnv): Promise<number> {
  const endTracing = await startTracing('run', config.otlpEndpoint);
  if (config.otlpEndpoint) await traceJobs();
  return traced('run', {}, () => evaluate(options, config, environment)).finally(endTracing);
}

async function evaluate(options: RunOptions, config: Config, environment: NodeJS.ProcessEnv): Promise<number> {
  const display = new ProgressDisplay(process.stderr, options.json);
  const out = resolve(options.out);
  const storeUrl = storeUrlOf(out, config);
  const { target } = config;
  requireStore(config);
  if (target.kind === 'cluster') await checkRedis(target.redisUrl);
  if (options.ui !== undefined && target.kind !== 'local') {
    throw new CryfoldError('USAGE', '--ui is for a local run', {
      hint: 'The page of a cluster is served by its coordinator: cryfold coordinator --api-port.',
    });
  }
  await checkOutFolder(out);
  const spec = applyOverrides(await readSpec(options.spec ?? PAPER_SPEC), options, (text) => display.say(text));
  const store = openStoreOf(storeUrl, config);
  const server = target.kind === 'server' ? new HttpControl(new HttpClient(target)) : undefined;
  const preparation = await traced('plan', {}, () =>
    prepareChecked({
      ...options,
      spec,
      store,
      config,
      onProgress: (text) => display.update(text),
    }),
  );
  const { plan, dataset } = preparation;
  display.say(
    `${dataset.name}: ${dataset.clips.length} clips, ${dataset.classes.length} classes · run ${plan.run} · ${extent(plan)}`,
  );
  for (const note of dataset.notes) display.say(note);
  for (const { message } of dataset.skipped) display.say(`skipped: ${message}`);
  for (const leak of preparation.leaks) display.say(leak);

  const surroundings = { options, config, environment, out, display, store, storeUrl, server };
  const work = async (stop: AbortSignal) => {
    await store.check();
    let results = await store.runs.results(plan.run);
    if (results?.status === 'complete')
      display.say(
        plan.spec.search ? 'the sweep had ended already' : `all ${plan.jobs.length} folds were in the store already`,
      );
    else {
      const submit = server && (() => server.submit(plan.spec, plan.dataset.key));
      await publish(store, preparation, (text) => display.update(text), submit);
      results = await execute(plan, { ...surroundings, stop });
    }
    if (!results) return EXIT.cancelled;
    await present(results, surroundings, options.json, {
      ...{ skipped: dataset.skipped, notes: dataset.notes, leakWarnings: preparation.leaks },
    });
    return results.status === 'complete' ? EXIT.done : EXIT.incomplete;
  };
  return untilStopped(work, () =>
    display.say(
      server
        ? noLongerFollowing(plan.run)
        : 'stopping; finished folds are kept, and the same command goes on from there',
    ),
  ).finally(() => store.close());
}

function extent({ spec, jobs }: RunPlan): string {
  if (!spec.search) return `${jobs.length} folds`;
  const searched = Object.keys(spec.search.space).join(', ');
  return `${spec.search.algorithm} search over ${searched}${spec.search.nested ? ', nested' : ''}`;
}
