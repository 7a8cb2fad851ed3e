import { type ChildProcess, fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openStore, RunStore } from '@cryfold/store';
import { cpuSeconds, memoryOf } from '../processes.js';
import { type Comparison, comparison } from './measure.js';
import { endRuns, runToEnd, type Scene, startCoordinator } from './no-op.js';

const WORKERS = 500;
const PROCESSES = 2;
/**
 * Seconds per fold. The paper's folds take minutes; these are so short that the workers together finish 100 folds per
 * second.
 */
const FOLD_SECONDS = 5;
const FOLDS = 5000;

/**
 * Simulates 500 workers on this machine whose folds sleep instead of training a model, to measure what a coordinator
 * process and Redis need to keep them busy.
 */
export async function compare(): Promise<Comparison[]> {
  const folder = await mkdtemp(join(tmpdir(), 'cryfold-bench-'));
  const scene = await startCoordinator(folder);
  const store = new RunStore(openStore(scene.storeUrl));
  const ending = endRuns(scene.url, store);
  const program = fileURLToPath(new URL('cluster-workers.js', import.meta.url));
  const args = [scene.url, scene.storeUrl, String(WORKERS / PROCESSES), String(FOLD_SECONDS)];
  const children = Array.from({ length: PROCESSES }, () => fork(program, args));
  try {
    await Promise.all(children.map((child) => new Promise((resolve) => child.once('message', resolve))));
    return await measure(scene);
  } finally {
    for (const child of children) if (child.connected) child.send('end');
    await ending.close(true);
    await Promise.all(children.map(ended));
    await scene.cluster.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null) await new Promise((resolve) => child.once('exit', resolve));
}

async function measure(scene: Scene): Promise<Comparison[]> {
  const pids = [scene.cluster.pid('coordinator')!, scene.cluster.redisPid!];
  const before = pids.map(cpuSeconds);
  const { seconds } = await runToEnd(scene, { count: FOLDS, name: 'cluster' });
  const [coordinator, redis] = pids.map((pid, i) => cpuSeconds(pid) - before[i]);
  const ideal = Math.ceil(FOLDS / WORKERS) * FOLD_SECONDS;
  console.error(
    `bench: ${FOLDS} folds of ${FOLD_SECONDS} s on ${WORKERS} workers in ${seconds.toFixed(1)} s (${ideal} at best); ` +
      `processor: coordinator ${coordinator.toFixed(1)} s, Redis ${redis.toFixed(1)} s; ` +
      `the coordinator uses ${memoryOf(pids[0]).rss.toFixed(0)} MiB`,
  );
  const needed = { theirs: FOLDS / seconds, peer: 'needed', unit: '/s', target: 2 };
  return [
    comparison({
      name: `${WORKERS} workers, folds of ${FOLD_SECONDS} s`,
      ...{ ours: FOLDS / seconds, theirs: FOLDS / ideal, peer: 'never waiting', unit: '/s', target: 0.8 },
    }),
    comparison({ name: 'folds per second of processor time, coordinator', ours: FOLDS / coordinator, ...needed }),
    comparison({ name: 'folds per second of processor time, Redis', ours: FOLDS / redis, ...needed }),
  ];
}
