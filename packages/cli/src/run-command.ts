import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunStore } from '@cryfold/artifacts';
import { enqueueRun, gatherReport, HttpClient, HttpControl, queueStatus } from '@cryfold/control';
import type { RunProgress } from '@cryfold/coordinator';
import { CryfoldError } from '@cryfold/core';
import { kindOf } from '@cryfold/estimators';
import type { RunResults } from '@cryfold/evaluation';
import type { Skipped } from '@cryfold/features';
import type { RunPlan } from '@cryfold/plan';
import { checkRedis, failureOf, Queues, traceJobs } from '@cryfold/queue';
import { htmlReport, terminalReport } from '@cryfold/report';
import { type Config, startTracing, traced } from '@cryfold/runtime';
import { EXIT } from './exit-codes.js';
import { followServer, noLongerFollowing } from './follow-server.js';
import { LocalCluster } from './local-cluster.js';
import { MissingWorkers } from './missing-workers.js';
import { openStoreOf } from './open-store.js';
import { pagePort } from './page-port.js';
import { applyOverrides, type Overrides, PAPER_SPEC, prepareRun, publish, readSpec } from './prepare.js';
import { ProgressDisplay, progressLine } from './progress.js';
import { storeUrlOf } from './store-url.js';
import { jsonText, say } from './terminal.js';
import { checkOutFolder, OutFolder } from './write-out.js';

export interface RunOptions extends Overrides {
  spec?: string;
  data: string;
  out: string;
  limit?: number;
  workers?: number;
  skipBad: boolean;
  allowLeak: boolean;
  /** Serve the live page; true: on any free port */
  ui?: number | true;
  json: boolean;
}

/** A closed terminal hangs up. */
export const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Milliseconds between looks at whether the results are in the store. */
const POLL = 300;
/** Such looks between looks at whether there are workers. */
const WORKERS = 100;

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
  if (config.redisUrl) await checkRedis(config.redisUrl);
  if (config.redisUrl && !config.storeUrl) {
    throw new CryfoldError('USAGE', 'REDIS_URL is set, but CRYFOLD_STORE is not', {
      hint: 'Set CRYFOLD_STORE to the store that the workers of that cluster use, or unset REDIS_URL.',
    });
  }
  if (options.ui !== undefined && (config.redisUrl || config.server)) {
    throw new CryfoldError('USAGE', '--ui is for a local run', {
      hint: 'The page of a cluster is served by its coordinator: cryfold coordinator --api-port.',
    });
  }
  await checkOutFolder(out);
  const spec = applyOverrides(await readSpec(options.spec ?? PAPER_SPEC), options, (text) => display.say(text));
  const store = openStoreOf(storeUrl, config);
  const server = config.server && new HttpControl(new HttpClient(config.server));
  const preparation = await traced('plan', {}, () =>
    prepareRun({
      ...options,
      spec,
      sources: {
        cacheDirectory: config.cacheDir,
        fetchContent: async (key) => (await store.artifacts.open(key))?.stream,
      },
      onProgress: (text) => display.update(text),
    }),
  );
  const { plan, dataset } = preparation;
  display.say(
    `${dataset.name}: ${dataset.clips.length} clips, ${dataset.classes.length} classes · run ${plan.run} · ${extent(plan)}`,
  );
  for (const { message } of dataset.skipped) display.say(`skipped: ${message}`);
  for (const leak of preparation.leaks) display.say(leak);

  const stop = new AbortController();
  const onSignal = () => {
    if (stop.signal.aborted) process.exit(EXIT.cancelled);
    display.say(
      server
        ? noLongerFollowing(plan.run)
        : 'stopping; finished folds are kept, and the same command goes on from there',
    );
    stop.abort();
  };
  for (const signal of STOP_SIGNALS) process.on(signal, onSignal);
  try {
    await store.check();
    let results = await store.runs.results(plan.run);
    if (results?.status === 'complete')
      display.say(
        plan.spec.search ? 'the sweep had ended already' : `all ${plan.jobs.length} folds were in the store already`,
      );
    else {
      const submit = server && (() => server.submit(plan.spec, plan.dataset.key));
      await publish(store, preparation, (text) => display.update(text), submit);
      const surroundings = { options, config, environment, out, display, server, stop: stop.signal };
      results = await execute(plan, store, storeUrl, surroundings);
    }
    if (!results) return EXIT.cancelled;
    const { leaks } = preparation;
    await present(results, store, out, options.json, { skipped: dataset.skipped, leaks }, server);
    return results.status === 'complete' ? EXIT.done : EXIT.incomplete;
  } finally {
    for (const signal of STOP_SIGNALS) process.off(signal, onSignal);
    await store.close();
  }
}

function extent({ spec, jobs }: RunPlan): string {
  if (!spec.search) return `${jobs.length} folds`;
  const searched = Object.keys(spec.search.space).join(', ');
  return `${spec.search.algorithm} search over ${searched}${spec.search.nested ? ', nested' : ''}`;
}

export interface Surroundings {
  options: Pick<RunOptions, 'out' | 'workers' | 'ui'>;
  config: Config;
  environment: NodeJS.ProcessEnv;
  out: string;
  display: ProgressDisplay;
  /** Where the run was submitted to, if that was a server */
  server?: HttpControl | undefined;
  stop: AbortSignal;
}

/** Runs the plan on the cluster at REDIS_URL or on one of its own; undefined when stopped before the end. */
export async function execute(
  plan: RunPlan,
  store: RunStore,
  storeUrl: string,
  { options, config, environment, out, display, server, stop }: Surroundings,
): Promise<RunResults | undefined> {
  if (stop.aborted) return undefined;
  if (server) return followServer(server, store, plan.run, display, stop);
  if (config.redisUrl) return watch(plan, store, config.redisUrl, display, stop);
  const workers = options.workers ?? availableParallelism();
  for (const kind of new Set(Object.values(plan.spec.estimators).map(kindOf))) await kind.checkRuntime?.();
  // Other users of this machine reach the port as well.
  const token = randomBytes(24).toString('base64url');
  const page = options.ui === undefined ? undefined : { port: await pagePort(options.ui), token };
  const cluster = await LocalCluster.start({
    plan,
    page,
    workers,
    storeUrl,
    cacheDir: config.cacheDir,
    logDir: await new OutFolder(out).folder('logs'),
    environment,
    say: (text) => display.say(text),
  });
  try {
    display.say(`${workers} workers on this machine · logs in ${join(options.out, 'logs')}`);
    // What follows the # is never sent, and the page takes the token from its address at once.
    if (page) display.always(`live page: http://127.0.0.1:${page.port}/#/runs/${plan.run}?token=${token}`);
    return await watch(plan, store, cluster.redisUrl, display, stop, cluster.broken);
  } finally {
    display.clear();
    await cluster.stop();
  }
}

/** Submits the run and follows it until its results are in the store. */
async function watch(
  plan: RunPlan,
  store: RunStore,
  redisUrl: string,
  display: ProgressDisplay,
  stop: AbortSignal,
  /** Rejects when the cluster that this command started breaks; absent: it works on somebody else's */
  broken?: Promise<never>,
): Promise<RunResults | undefined> {
  const queues = new Queues(redisUrl);
  let failed: CryfoldError | undefined;
  const follow = async () => {
    await queues.listen('runs', {
      progress: (id, data) => id === plan.run && display.update(progressLine(data as RunProgress)),
      failed: (id, reason) => {
        if (id === plan.run) failed = CryfoldError.fromRecord(failureOf(reason));
      },
    });
    await enqueueRun(queues, plan);
    const missing = new MissingWorkers(display);
    for (let looks = 0; !stop.aborted; looks++) {
      const results = await store.runs.results(plan.run);
      if (results) return results;
      if (!broken && looks % WORKERS === 10) missing.tell(await queueStatus(queues));
      if (looks % 5 === 4 && (await store.runs.isCancelled(plan.run))) {
        throw new CryfoldError('CANCELLED', `run ${plan.run} was cancelled`, {
          context: { run: plan.run },
          hint: `Its finished folds are kept; cryfold retry ${plan.run} goes on from there.`,
        });
      }
      if (failed) throw failed;
      await sleep(POLL, undefined, { signal: stop }).catch(() => {});
    }
    return undefined;
  };
  try {
    // Whatever it waits for, such as a Redis that is away, following ends when the user says so.
    const stopped = new Promise<undefined>((resolve) => {
      stop.addEventListener('abort', () => resolve(undefined), { once: true });
    });
    return await Promise.race([follow(), stopped, ...(broken ? [broken] : [])]);
  } finally {
    await queues.close();
  }
}

/** Prints the results, and puts copies of them where the user asked. */
export async function present(
  results: RunResults,
  store: RunStore,
  out: string,
  json: boolean,
  said: { skipped?: readonly Skipped[]; leaks?: readonly string[] } = {},
  server?: HttpControl,
): Promise<void> {
  const folder = new OutFolder(out);
  const stored = await store.runs.resultFiles(results.run.id);
  const csv = await folder.write('out-of-fold.csv', stored.outOfFold);
  const file = await folder.write('results.json', stored.results);
  // The server has the folds at hand; from here, each would be a request.
  const page = server
    ? await server.report(results.run.id)
    : await htmlReport(await gatherReport(store.artifacts, results));
  const report = await folder.write('report.html', page);
  if (json) {
    say(`${jsonText({ ...results, ...said, files: { results: file, outOfFold: csv, report } })}\n`);
    return;
  }
  say(`${terminalReport(results, { color: process.stdout.isTTY === true })}\n`);
  say(`\nresults: ${file}\nevery clip's probabilities: ${csv}\nreport: ${report}\n`);
}
