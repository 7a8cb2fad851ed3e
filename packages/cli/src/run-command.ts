import { dirname } from 'node:path';
import { CryfoldError, counted, printable } from '@cryfold/core';
import { decodingOnce } from '@cryfold/corpus';
import { isGrouped } from '@cryfold/evaluation';
import { checkGroupsKnown, type Preparation } from '@cryfold/local-run';
import { applyOverrides, type Overrides, type RunPlan, type Spec } from '@cryfold/plan';
import { checkRedis, traceJobs } from '@cryfold/queue';
import { HttpClient, HttpControl } from '@cryfold/run-control';
import { type Config, startTracing, traced } from '@cryfold/runtime';
import { type RunStore, storeFolder } from '@cryfold/store';
import { auditLines } from './audit-command.js';
import { Copies } from './copies.js';
import { type ConfirmOptions, confirmCost, estimateCost } from './cost-estimate.js';
import { dataFindings, dataNotes } from './data-notes.js';
import type { DataOptions } from './data-options.js';
import { complete } from './execute.js';
import { EXIT } from './exit-codes.js';
import { openStoreOf } from './open-store.js';
import { PAPER_SPEC, prepareChecked, readSpec } from './prepare.js';
import { present } from './present.js';
import { sayProblems } from './problems.js';
import { ProgressDisplay } from './progress.js';
import { checkStoreFolder } from './run-folder.js';
import { noLongerFollowing } from './server-run.js';
import { untilStopped } from './stop-signals.js';
import { requireStore, storeUrlOf } from './store-url.js';

export interface RunOptions extends Overrides, ConfirmOptions, DataOptions {
  spec?: string;
  data: string;
  /** Folder for copies of the results */
  out?: string;
  /** Overwrite the results of another run in `out` */
  force: boolean;
  limit?: number;
  /** Another corpus, which is used to test models that were trained on all clips of `data` */
  testOn?: string;
  workers?: number;
  skipBad: boolean;
  /** File that lists all bad recordings */
  problems?: string;
  allowLeak: boolean;
  groupDuplicates: boolean;
  /** Port of the live page; true for any free port */
  ui?: number | true;
}

/** How a run ended, and its id. */
export interface RunEnd {
  code: number;
  run: string;
}

/** Shared by all runs of one command. */
interface Shared {
  config: Config;
  environment: NodeJS.ProcessEnv;
  display: ProgressDisplay;
  store: RunStore;
  storeUrl: string;
  server: HttpControl | undefined;
}

/** A run that has been checked and planned but not started yet. */
interface Prepared {
  options: RunOptions;
  copies: Copies | undefined;
  preparation: Preparation;
}

/**
 * `cryfold run`: plans all runs, prints their estimated cost, asks for confirmation if it is high, then evaluates them
 * one after the other, shows progress and prints Table II for each.
 * @param runs runs of the same data that differ in protocol and copies
 * @returns how each run ended, up to the first one that was stopped; empty if the user declined to start
 */
export async function runCommand(
  runs: readonly RunOptions[],
  config: Config,
  environment: NodeJS.ProcessEnv,
): Promise<RunEnd[]> {
  const endTracing = await startTracing('run', config.otlpEndpoint);
  if (config.otlpEndpoint) await traceJobs();
  return traced('run', {}, () => decodingOnce(() => evaluate(runs, config, environment))).finally(endTracing);
}

async function evaluate(
  runs: readonly RunOptions[],
  config: Config,
  environment: NodeJS.ProcessEnv,
): Promise<RunEnd[]> {
  const [options] = runs;
  const { target } = config;
  requireStore(config);
  if (target.kind === 'cluster') await checkRedis(target.redisUrl);
  if (options.ui !== undefined && target.kind !== 'local') {
    throw new CryfoldError('USAGE', '--ui only works for local runs', {
      hint: "On a cluster, the coordinator serves the run's page. Start it with cryfold coordinator --api-port.",
    });
  }
  const display = new ProgressDisplay(process.stderr, options.json);
  const storeUrl = storeUrlOf(config);
  await checkStoreFolder(storeUrl);
  const store = openStoreOf(storeUrl, config);
  const server = target.kind === 'server' ? new HttpControl(new HttpClient(target)) : undefined;
  const shared: Shared = { config, environment, display, store, storeUrl, server };
  try {
    // Decoding takes a long time, so all runs are first checked for problems that are apparent from the file names
    // alone.
    for (const one of runs) await checkGroupsKnown(await specOf(one), one);
    const prepared: Prepared[] = [];
    for (const one of runs) prepared.push(await prepare(one, shared));
    const plans = prepared.map(({ preparation }) => preparation.plan);
    // Several protocols use the same recordings, so the same warnings may occur again.
    const audited = prepared.flatMap(({ options, preparation: { audit, plan } }) =>
      auditLines(audit, options, isGrouped(plan.spec.protocol.splitter)),
    );
    for (const line of new Set(audited)) display.say(line);
    display.update('estimating the cost');
    const cost = await estimateCost(plans, store, {
      ...{ config, workers: options.workers },
      onStart: () => display.update('measuring how fast this machine trains'),
    });
    display.clear();
    if (cost.text !== undefined) display.say(cost.text);
    if (!(await confirmCost(cost, options))) {
      display.say('not started');
      return [];
    }
    const ends: RunEnd[] = [];
    for (const one of prepared) {
      const end = { code: await runOne(one, shared), run: one.preparation.plan.run };
      ends.push(end);
      if (end.code !== EXIT.done && end.code !== EXIT.incomplete) break;
    }
    return ends;
  } finally {
    await store.close();
  }
}

/** @param say called with a sentence for each fusion that is left out */
async function specOf(options: RunOptions, say: (text: string) => void = () => {}): Promise<Spec> {
  return applyOverrides(await readSpec(options.spec ?? PAPER_SPEC), options, say);
}

/** Reads the data, checks everything that can be checked, and plans the run. Writes nothing. */
async function prepare(options: RunOptions, { config, store, storeUrl, display }: Shared): Promise<Prepared> {
  const copies = options.out === undefined ? undefined : new Copies(options.out, options.force);
  await copies?.checkWritable();
  const spec = await specOf(options, (text) => display.say(text));
  const list = { file: options.problems, folder: options.out ?? storeFolder(storeUrl) };
  const preparation = await traced('plan', {}, () =>
    prepareChecked({
      ...{ ...options, spec, specFolder: dirname(options.spec ?? PAPER_SPEC), store, config, list },
      onProgress: (text) => display.update(text),
    }),
  );
  const { plan, dataset } = preparation;
  await copies?.checkFree({ run: plan.run });
  display.say(
    `${dataset.name}: ${counted(dataset.clips.length, 'clip')}, ${counted(dataset.classes.length, 'class')} · run ${plan.run} · ${extent(plan)}`,
  );
  await sayProblems(dataset, list, display);
  for (const note of dataset.notes) display.say(printable(note));
  for (const note of dataNotes(dataset, options)) display.say(`note: ${printable(note)}`);
  for (const leak of preparation.leaks) display.say(leak);
  return { options, copies, preparation };
}

async function runOne({ options, copies, preparation }: Prepared, shared: Shared): Promise<number> {
  const { display, server } = shared;
  const work = async (stop: AbortSignal) => {
    const results = await complete(preparation, { ...shared, options, stop });
    if (!results) return EXIT.cancelled;
    await present(results, { ...shared, copies }, options.json, dataFindings(preparation, options));
    return results.status === 'complete' ? EXIT.done : EXIT.incomplete;
  };
  const onStop = () =>
    display.say(
      server
        ? noLongerFollowing(preparation.plan.run)
        : 'stopping; finished folds are kept, run the same command again to continue',
    );
  return untilStopped(work, { target: shared.config.target, onStop });
}

function extent({ spec, jobs }: RunPlan): string {
  if (!spec.search) return counted(jobs.length, 'fold');
  const searched = Object.keys(spec.search.space).join(', ');
  return `${spec.search.algorithm} search over ${searched}${spec.search.nested ? ', nested' : ''}`;
}
