import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { counted } from '@cryfold/core';
import { checkRuntimes, kindOf } from '@cryfold/estimators';
import type { RunResults } from '@cryfold/evaluation';
import { LocalCluster, type Preparation, publish, QueuedRun, RunFollower } from '@cryfold/local-run';
import type { RunPlan } from '@cryfold/plan';
import { Queues } from '@cryfold/queue';
import type { HttpControl } from '@cryfold/run-control';
import type { Config } from '@cryfold/runtime';
import type { RunStore } from '@cryfold/store';
import { shortPath } from './command-text.js';
import { pagePort } from './page-port.js';
import { type ProgressDisplay, progressLine } from './progress.js';
import { logFolder } from './run-folder.js';
import { ServerRun } from './server-run.js';

const PROGRAM = fileURLToPath(new URL('../../bin/cryfold.js', import.meta.url));

/** Where to print the progress and the messages of a run. */
export type RunDisplay = Pick<ProgressDisplay, 'say' | 'always' | 'update' | 'clear'>;

/** Where to execute a stored run, and how to show its progress. */
export interface Surroundings {
  options: {
    /** Number of local worker processes; default: one per core */
    workers?: number;
    /** Port of the live page of a local run; true for any free port */
    ui?: number | true;
  };
  config: Config;
  environment: NodeJS.ProcessEnv;
  display: RunDisplay;
  store: RunStore;
  storeUrl: string;
  /** The server that the run was submitted to, if any */
  server?: HttpControl | undefined;
  stop: AbortSignal;
}

/**
 * Publishes and executes a prepared run, unless its complete results are already in the store.
 * @returns undefined if stopped before the run ended
 * @throws any error that `publish` or `execute` throws
 */
export async function complete(preparation: Preparation, surroundings: Surroundings): Promise<RunResults | undefined> {
  const { display, store, server } = surroundings;
  const { plan } = preparation;
  await store.check();
  const known = await store.runs.results(plan.run);
  if (known?.status === 'complete') {
    const folds = `all ${plan.jobs.length} folds are already in the store`;
    display.say(plan.spec.search ? 'the sweep has already ended' : folds);
    return known;
  }
  const submit = server && (() => server.submit(plan.spec, plan.dataset.key));
  await publish(store, preparation, (text) => display.update(text), submit);
  return execute(plan, surroundings);
}

/**
 * Runs a stored plan: on the server it was submitted to, on the cluster at REDIS_URL, or locally.
 * @returns undefined if stopped before the run ended
 * @throws CryfoldError CANCELLED, or the error that ended the run
 */
export async function execute(plan: RunPlan, surroundings: Surroundings): Promise<RunResults | undefined> {
  const { config, display, store, server, stop } = surroundings;
  if (stop.aborted) return undefined;
  if (server) return new RunFollower(store, display, stop).follow(plan.run, new ServerRun(server, plan.run));
  const { target } = config;
  if (target.kind === 'cluster') return followQueued(plan, target.redisUrl, surroundings);
  return executeHere(plan, surroundings);
}

async function executeHere(plan: RunPlan, surroundings: Surroundings): Promise<RunResults | undefined> {
  const { options, config, environment, display, storeUrl } = surroundings;
  const workers = options.workers ?? availableParallelism();
  await checkRuntimes(Object.values(plan.spec.estimators).map(kindOf));
  // Other users of this machine can connect to the port too, so the page requires a token.
  const token = randomBytes(24).toString('base64url');
  const page = options.ui === undefined ? undefined : { port: await pagePort(options.ui), token };
  const logDir = await logFolder(storeUrl, plan.run);
  const cluster = await LocalCluster.start({
    program: PROGRAM,
    plan,
    page,
    workers,
    storeUrl,
    cacheDir: config.cacheDir,
    logDir,
    environment,
    say: (text) => display.say(text),
  });
  try {
    display.say(`${counted(workers, 'worker')} on this machine · logs in ${shortPath(logDir)}`);
    // Browsers never send the fragment, and the page removes the token from its address immediately.
    if (page) display.always(`live page: http://127.0.0.1:${page.port}/#/runs/${plan.run}?token=${token}`);
    return await followQueued(plan, cluster.redisUrl, surroundings, cluster.broken);
  } finally {
    display.clear();
    await cluster.stop();
  }
}

/**
 * Submits the run to a cluster and follows it.
 * @param broken a promise that rejects when the local cluster of this command fails; absent for a cluster that this
 * command did not start
 */
async function followQueued(
  plan: RunPlan,
  redisUrl: string,
  { store, display, stop }: Surroundings,
  broken?: Promise<never>,
): Promise<RunResults | undefined> {
  const queues = new Queues(redisUrl);
  const follow = async () => {
    const run = await QueuedRun.submit(plan, store, {
      queues,
      ownWorkers: broken !== undefined,
      describe: progressLine,
    });
    return new RunFollower(store, display, stop).follow(plan.run, run);
  };
  try {
    // Stops following the run when the command is stopped, even while Redis is unreachable.
    const stopped = new Promise<undefined>((resolve) => {
      stop.addEventListener('abort', () => resolve(undefined), { once: true });
    });
    return await Promise.race([follow(), stopped, ...(broken ? [broken] : [])]);
  } finally {
    await queues.close();
  }
}
