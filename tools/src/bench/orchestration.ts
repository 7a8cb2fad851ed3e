import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { measureIdle, ROLES, sumMemory } from '../idle-cluster.js';
import { ROOT } from '../paths.js';
import { memoryOf } from '../processes.js';
import { median, quantile } from '../statistics.js';
import { fairness } from './fairness.js';
import { type Comparison, comparison } from './measure.js';
import { type Scene, startCoordinator } from './no-op.js';
import { bullMqAlone, dispatch, type Folds, noOpFolds, peers } from './orchestration-runs.js';

const PAIRS = 3;
const WORKERS = [1, 4, 16];
/** Target for the overhead per fold, in folds per second. */
const FIVE_MS = 200;
/** Seconds for which an idle coordinator and worker settle before their memory is measured. */
const IDLE = 8;

const QUANTILES = [
  ['median', 0.5],
  ['99th percentile', 0.99],
] as const;

export async function compare(): Promise<Comparison[]> {
  const folder = await mkdtemp(join(tmpdir(), 'cryfold-bench-'));
  const scene = await startCoordinator(folder);
  const all: Comparison[] = [];
  const add = (comparisons: Comparison[]) => {
    all.push(...comparisons);
    for (const { name, ours, unit } of comparisons) console.error(`bench: ${name}: ${ours.toFixed(1)} ${unit}`);
  };
  try {
    add(await firstFolds(scene));
    const rates = new Map<number, number>();
    for (const workers of WORKERS) {
      const pairs = await inPairs(scene, workers);
      rates.set(workers, median(pairs.map(([mine]) => mine.rate)));
      add(besideBullMq(pairs, workers));
    }
    for (const workers of WORKERS) add(await manyFolds(scene, workers));
    add(await fairness(scene));
    add(await memory(scene));
    add(await besidePython(rates));
    return all;
  } finally {
    await scene.cluster.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function firstFolds(scene: Scene): Promise<Comparison[]> {
  const latencies = await dispatch(scene, 60);
  return QUANTILES.map(([name, q]) =>
    comparison({
      name: `time until a run's first fold starts, ${name}`,
      ...{ ours: 1000 / quantile(latencies, q), theirs: 1, peer: 'a second', unit: '/s', target: 1 },
    }),
  );
}

/** Number of paired measurements of cryfold and plain BullMQ, not counting the first pair, which is a warm-up. */
async function inPairs(scene: Scene, workers: number): Promise<[Folds, Folds][]> {
  const pairs: [Folds, Folds][] = [];
  for (let pair = 0; pair <= PAIRS; pair++) {
    const mine = await noOpFolds(scene, { count: 1000, workers, name: `ours-${workers}-${pair}` });
    pairs.push([mine, await bullMqAlone(scene, { count: 1000, workers, name: `raw-${workers}-${pair}` })]);
  }
  return pairs.slice(1);
}

function besideBullMq(pairs: [Folds, Folds][], workers: number): Comparison[] {
  const peer = 'BullMQ alone with the same commit';
  const [ours, theirs] = [0, 1].map((side) => median(pairs.map((pair) => pair[side].rate)));
  const ratio = median(pairs.map(([a, b]) => a.rate / b.rate));
  const name = `1,000 no-op folds, ${workers} at once`;
  const rates = comparison({ name, ours, theirs, peer, unit: 'folds/s', target: 0.5, ratio });
  if (workers > 1) return [rates];
  const gaps = QUANTILES.map(([which, q]) => {
    const [a, b] = [0, 1].map((side) => median(pairs.map((pair) => quantile(pair[side].gaps, q))));
    const what = `from the end of a fold to the start of the next, ${which}`;
    return comparison({ name: what, ours: 1000 / a, theirs: 1000 / b, peer, unit: '/s', target: 0 });
  });
  return [rates, ...gaps];
}

async function manyFolds(scene: Scene, workers: number): Promise<Comparison[]> {
  const many = await noOpFolds(scene, { count: 10_000, workers, name: `many-${workers}` });
  return [
    comparison({
      name: `10,000 no-op folds, ${workers} at once`,
      ...{ ours: many.rate, theirs: FIVE_MS, peer: '5 ms per fold', unit: 'folds/s', target: 1 },
    }),
    comparison({
      name: 'the last thousand no-op folds',
      ...{ ours: many.last, theirs: many.first, peer: 'the first thousand', unit: 'folds/s', target: 0.8 },
    }),
  ];
}

async function memory({ cluster, url, folder }: Scene): Promise<Comparison[]> {
  const { rss } = memoryOf(cluster.pid('coordinator')!);
  const idle = await measureIdle({ root: ROOT, url, folder, seconds: IDLE });
  const both = sumMemory(ROLES.map((role) => idle[role]));
  const rows = [
    { name: 'a coordinator after 42,000 folds', used: rss, limit: 256, unit: 'a GiB' },
    { name: 'idle coordinator and worker, resident', used: both.rss, limit: 150, unit: 'pairs a GiB' },
    { name: 'idle coordinator and worker, shared pages counted once', used: both.pss, limit: 150, unit: 'pairs a GiB' },
  ];
  return rows.flatMap(({ name, used, limit, unit }) => {
    const given = { name, peer: `${limit} MiB`, unit, target: 1, ours: 1024 / used, theirs: 1024 / limit };
    return used > 0 ? [comparison(given)] : [];
  });
}

async function besidePython(rates: ReadonlyMap<number, number>): Promise<Comparison[]> {
  return Object.entries(await peers()).map(([peer, theirs]) => {
    const workers = Number(peer.split(' ').at(-1));
    const given = { ours: rates.get(workers)!, theirs, unit: 'tasks/s', target: 0 };
    return comparison({ name: `no-op folds, ${workers} at once`, peer: peer.replace(/ \d+$/, ''), ...given });
  });
}
