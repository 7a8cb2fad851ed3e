import { CryfoldError } from '@cryfold/core';
import { checkRuntimes, estimatorKinds, type FoldQueue } from '@cryfold/estimators';
import { checkRedis, traceJobs } from '@cryfold/queue';
import {
  type Config,
  createLogger,
  Endpoint,
  type Logger,
  type Metrics,
  type Service,
  serve,
  startTracing,
  storeObserver,
  type Target,
} from '@cryfold/runtime';
import { observed, openStore, RunStore } from '@cryfold/store';
import { EXIT } from './exit-codes.js';
import { gpuOfEachChild } from './gpus.js';
import { inTime } from './in-time.js';

interface Surroundings {
  redisUrl: string;
  /** The only store of the process, which this module opens, instruments and closes */
  store: RunStore;
  storeUrl: string;
  s3: Config['s3'];
  log: Logger;
  metrics: Metrics;
}

export interface ServiceOptions {
  /** Overrides CRYFOLD_METRICS_PORT */
  metricsPort?: number;
}

/** @throws CryfoldError USAGE unless the environment sets Redis and a store */
function clusterOf(role: string, target: Target): { redisUrl: string; storeUrl: string } {
  if (target.kind === 'server') {
    throw new CryfoldError('USAGE', `cryfold ${role}: CRYFOLD_SERVER is set`, {
      context: { variable: 'CRYFOLD_SERVER' },
      hint: 'Unset CRYFOLD_SERVER: services use REDIS_URL and CRYFOLD_STORE directly.',
    });
  }
  if (target.kind === 'cluster' && target.storeUrl !== undefined) {
    return { redisUrl: target.redisUrl, storeUrl: target.storeUrl };
  }
  const variable = target.kind === 'cluster' ? 'CRYFOLD_STORE' : 'REDIS_URL';
  throw new CryfoldError('USAGE', `cryfold ${role}: ${variable} is not set`, {
    context: { variable },
    hint: 'For example, set REDIS_URL=redis://127.0.0.1:6379 and CRYFOLD_STORE=file:./store. cryfold run needs neither variable.',
  });
}

/** Checks Redis and the store before a service starts, so that a wrong address is reported immediately. */
async function runService(
  role: string,
  { metricsPort }: ServiceOptions,
  config: Config,
  start: (surroundings: Surroundings) => Promise<Service>,
): Promise<number> {
  const { redisUrl, storeUrl } = clusterOf(role, config.target);
  const { s3, graceSeconds, local } = config;
  const log = createLogger(role, config.logLevel, { readable: local });
  const endTracing = await startTracing(role, config.otlpEndpoint);
  if (config.otlpEndpoint) await traceJobs();
  const port = metricsPort ?? config.metricsPort;
  // Opened first, because a service that waits for Redis is alive but not ready.
  const endpoint = await Endpoint.open({ role, port, host: config.metricsHost, log });
  const { metrics } = endpoint;
  const store = new RunStore(observed(openStore(storeUrl, s3), storeObserver(metrics)));
  const service = await inTime(config.startSeconds, log, async (patiently) => {
    await patiently(() => checkRedis(redisUrl));
    await patiently(() => store.check());
    return start({ redisUrl, store, storeUrl, s3, log, metrics });
  });
  endpoint.watch(service.checks);
  await serve(service, { graceSeconds, local, log, onStopping: () => endpoint.stopping() });
  await store.close();
  await endpoint.close();
  await endTracing();
  return EXIT.done;
}

export interface WorkerCommandOptions extends ServiceOptions {
  queues: string[];
  children: number;
  childrenPerGpu?: number;
  allowCommands?: boolean;
}

export async function workerCommand(options: WorkerCommandOptions, config: Config): Promise<number> {
  const queues = options.queues.map((name): FoldQueue => {
    if (name === 'gpu' || name === 'cpu') return name;
    throw new CryfoldError('USAGE', `--queues: ${JSON.stringify(name)} is neither gpu nor cpu`);
  });
  const { children, childrenPerGpu, allowCommands = false } = options;
  const gpus = childrenPerGpu === undefined ? undefined : await gpuOfEachChild(childrenPerGpu, config.visibleGpus);
  // Checked at start, so that the worker does not start and then fail the folds of every run. For its own workers,
  // `cryfold run` has checked this already.
  if (!config.local) {
    await checkRuntimes(estimatorKinds.filter(({ queue }) => typeof queue === 'string' && queues.includes(queue)));
  }
  const { Worker } = await import('@cryfold/worker');
  return runService('worker', options, config, async (surroundings) => {
    const { childMemoryMb, cacheDir, local } = config;
    // The worker of a local run stops together with the run, so its work never moves to another worker.
    const graceSeconds = local ? Number.POSITIVE_INFINITY : config.graceSeconds;
    const limits = { childMemoryMb, graceSeconds, allowCommands };
    const worker = new Worker({ ...surroundings, queues, children, gpus, cacheDir, ...limits });
    await worker.start();
    return worker;
  });
}

export async function coordinatorCommand(options: ServiceOptions, config: Config): Promise<number> {
  const { api, onlyRun, childMemoryMb } = config;
  const { Coordinator } = await import('@cryfold/coordinator');
  return runService('coordinator', options, config, async (surroundings) => {
    const coordinator = new Coordinator({ ...surroundings, ...(onlyRun ? { only: onlyRun } : {}) });
    await coordinator.start();
    if (!api) return coordinator;
    try {
      // Loaded only if needed, because it takes 30 MB.
      const { ApiServer } = await import('@cryfold/api-server');
      const server = new ApiServer({ ...surroundings, api, childMemoryMb, checks: coordinator.checks });
      await server.start();
      return {
        checks: coordinator.checks,
        stop: async (graceSeconds) => {
          await server.close();
          await coordinator.stop(graceSeconds);
        },
      };
    } catch (error) {
      await coordinator.stop(0);
      throw error;
    }
  });
}

export async function aggregatorCommand(options: ServiceOptions, config: Config): Promise<number> {
  const { Aggregator } = await import('@cryfold/aggregator');
  return runService('aggregator', options, config, async (surroundings) => {
    const aggregator = new Aggregator(surroundings);
    await aggregator.start();
    return aggregator;
  });
}
