import { fork } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openStore } from '../../packages/store/dist/src/index.js';
import { endRuns, residentMib, runToEnd, startCoordinator } from './no-op.mjs';

const WORKERS = 500;
const PROCESSES = 2;
/** A fold of the paper's models takes minutes; so short a one makes 100 folds a second. */
const FOLD_SECONDS = 5;
const FOLDS = 5000;

/** Seconds of processor time that a process has used; NaN where /proc does not tell. */
async function cpuSeconds(pid) {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const members = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(members[11]) + Number(members[12])) / 100;
}

/**
 * 500 workers on this machine, whose folds wait instead of training: what do a coordinator process and Redis need to
 * keep them busy?
 */
export async function compare() {
  const folder = await mkdtemp(join(tmpdir(), 'cryfold-bench-'));
  const { cluster, url, storeUrl } = await startCoordinator(folder);
  const store = openStore(storeUrl);
  const ending = endRuns(url, store);
  const program = fileURLToPath(new URL('cluster-workers.mjs', import.meta.url));
  const args = [url, storeUrl, String(WORKERS / PROCESSES), String(FOLD_SECONDS)];
  const children = Array.from({ length: PROCESSES }, () => fork(program, args));
  const answer = (child) => new Promise((resolve) => child.once('message', resolve));
  try {
    await Promise.all(children.map(answer));
    const pids = [cluster.pid('coordinator'), cluster.redisPid];
    const before = await Promise.all(pids.map(cpuSeconds));
    const { seconds } = await runToEnd(url, storeUrl, FOLDS, 'cluster');
    const [coordinator, redis] = (await Promise.all(pids.map(cpuSeconds))).map((after, i) => after - before[i]);
    const mib = await residentMib(pids[0]);
    const ideal = Math.ceil(FOLDS / WORKERS) * FOLD_SECONDS;
    console.error(
      `bench: ${FOLDS} folds of ${FOLD_SECONDS} s on ${WORKERS} workers in ${seconds.toFixed(1)} s (${ideal} at best); ` +
        `processor: coordinator ${coordinator.toFixed(1)} s, Redis ${redis.toFixed(1)} s; ` +
        `the coordinator holds ${mib.toFixed(0)} MiB`,
    );
    const row = (name, mine, theirs, peer, unit, target) => {
      const ratio = mine / theirs;
      return { name, ours: mine, theirs, peer, unit, ratio, target, ok: ratio >= target };
    };
    return [
      row(`${WORKERS} workers, folds of ${FOLD_SECONDS} s`, FOLDS / seconds, FOLDS / ideal, 'never waiting', '/s', 0.8),
      row('folds a second of processor time, coordinator', FOLDS / coordinator, FOLDS / seconds, 'needed', '/s', 2),
      row('folds a second of processor time, Redis', FOLDS / redis, FOLDS / seconds, 'needed', '/s', 2),
    ];
  } finally {
    for (const child of children) if (child.connected) child.send('end');
    await ending.close(true);
    await Promise.all(children.map((child) => child.exitCode ?? new Promise((resolve) => child.once('exit', resolve))));
    await cluster.stop();
    await rm(folder, { recursive: true, force: true });
  }
}
