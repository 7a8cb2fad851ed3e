import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { sha256 } from '@cryfold/core';
import { openStore, RunStore } from '@cryfold/store';
import { type Job, Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { pythonProgram } from '../paths.js';
import { endRuns, type NoOpRun, record, runToEnd, type Scene, takeFolds } from './no-op.js';

export interface Folds {
  /** Folds per second of the whole run */
  rate: number;
  /**
   * Milliseconds from the end of a fold to the start of the next fold; only meaningful if folds run one at a time
   */
  gaps: number[];
}

interface Load extends NoOpRun {
  /** Number of folds that run at the same time */
  workers: number;
}

/**
 * Executes a complete run: submits it, lets a coordinator process enqueue its folds, takes and commits each fold, and
 * aggregates the results. `first` and `last` are the folds per second for the first and last thousand folds.
 */
export async function noOpFolds(scene: Scene, load: Load): Promise<Folds & { first: number; last: number }> {
  const store = new RunStore(openStore(scene.storeUrl));
  const [ends, gaps]: [number[], number[]] = [[], []];
  const consumers = [
    endRuns(scene.url, store),
    takeFolds(scene.url, load.workers, async ({ key }) => {
      if (ends.length > 0) gaps.push(performance.now() - ends.at(-1)!);
      await store.folds.commit(record(key));
      ends.push(performance.now());
    }),
  ];
  const { seconds } = await runToEnd(scene, load);
  await Promise.all(consumers.map((consumer) => consumer.close(true)));
  await store.close();
  const thousand = (from: number) => (1000 * 999) / (ends[from + 999] - ends[from]);
  return { rate: load.count / seconds, gaps, first: thousand(0), last: thousand(load.count - 1000) };
}

/** Processes the same jobs with plain BullMQ, and makes the same commits to the same kind of store. */
export async function bullMqAlone({ cluster, folder }: Scene, { count, workers, name }: Load): Promise<Folds> {
  const store = new RunStore(openStore(`file:${join(folder, 'raw')}`));
  const connection = () => new Redis({ port: cluster.redisPort, host: '127.0.0.1', maxRetriesPerRequest: null });
  const [producing, consuming] = [connection(), connection()];
  const queue = new Queue(name, { connection: producing });
  const keys = Array.from({ length: count }, (_, i) => sha256(`${name}${i}`));
  const [ends, gaps]: [number[], number[]] = [[], []];
  let finish: () => void;
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const handle = async ({ data }: Job<{ key: string }>) => {
    if (ends.length > 0) gaps.push(performance.now() - ends.at(-1)!);
    await store.folds.commit(record(data.key));
    if (ends.push(performance.now()) === count) finish();
  };
  const worker = new Worker(name, handle, { connection: consuming, concurrency: workers });
  await worker.waitUntilReady();
  const started = performance.now();
  for (let i = 0; i < count; i += 500) {
    await queue.addBulk(
      keys
        .slice(i, i + 500)
        .map((key) => ({ name: 'fold', data: { key }, opts: { jobId: key, removeOnComplete: true } })),
    );
  }
  await finished;
  const rate = (1000 * count) / (performance.now() - started);
  await worker.close();
  await queue.close();
  producing.disconnect();
  consuming.disconnect();
  return { rate, gaps };
}

/** Submits a run with one fold to an idle cluster. @returns milliseconds until that fold starts */
export async function dispatch(scene: Scene, runs: number): Promise<number[]> {
  const store = new RunStore(openStore(scene.storeUrl));
  let begun = Number.NaN;
  const consumers = [
    endRuns(scene.url, store),
    takeFolds(scene.url, 1, async ({ key }) => {
      begun = performance.now();
      await store.folds.commit(record(key));
    }),
  ];
  const latencies: number[] = [];
  for (let i = 0; i < runs; i++) {
    const { started } = await runToEnd(scene, { count: 1, name: `dispatch-${i}` });
    latencies.push(begun - started);
  }
  await Promise.all(consumers.map((consumer) => consumer.close(true)));
  await store.close();
  return latencies;
}

/**
 * Measures how many tasks per second joblib and Ray Tune process, by name and number of workers. Returns an empty
 * object if neither is installed.
 */
export async function peers(): Promise<Record<string, number>> {
  try {
    const script = pythonProgram('orchestration-peers.py');
    const { stdout } = await promisify(execFile)('python3', [script], { maxBuffer: 1e8, timeout: 300_000 });
    return JSON.parse(stdout.trim().split('\n').at(-1)!);
  } catch (error) {
    const reason = (error as Error).message.split('\n').at(-2);
    console.error(`bench: joblib and Ray Tune were not measured: ${reason}`);
    return {};
  }
}
