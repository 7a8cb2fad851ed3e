import { setTimeout as sleep } from 'node:timers/promises';
import { openStore, RunStore } from '@cryfold/store';
import { median } from '../statistics.js';
import { type Comparison, comparison } from './measure.js';
import { endRuns, record, runToEnd, type Scene, takeFolds } from './no-op.js';

/** Duration of each fold in seconds. This is long compared with the time it takes to process a job. */
const FOLD = 0.02;
const WORKERS = 4;
const SMALL = 10;
const PAIRS = 3;

/** Measures how evenly two large runs progress, and how long a small run takes alongside a large one. */
export async function fairness(scene: Scene): Promise<Comparison[]> {
  const store = new RunStore(openStore(scene.storeUrl));
  let taken: (run: string) => void = () => {};
  const consumers = [
    endRuns(scene.url, store),
    takeFolds(scene.url, WORKERS, async ({ key, run }) => {
      taken(run);
      await sleep(1000 * FOLD);
      await store.folds.commit(record(key));
    }),
  ];
  try {
    const lead = await sideBySide(scene, (listener) => {
      taken = listener;
    });
    const small = await smallBesideLarge(scene);
    return [lead, small];
  } finally {
    await Promise.all(consumers.map((consumer) => consumer.close(true)));
    await store.close();
  }
}

/** Starts two runs of 1,000 folds each. The second is submitted one second after the first. */
async function sideBySide(scene: Scene, onTaken: (listener: (run: string) => void) => void): Promise<Comparison> {
  const count = 1000;
  const runs = ['side-a', 'side-b'];
  const done = new Map(runs.map((run) => [run, 0]));
  let [ahead, lead] = [0, 0];
  onTaken((id) => {
    const run = runs.find((name) => id.startsWith(name)) as string;
    done.set(run, (done.get(run) ?? 0) + 1);
    const [a, b] = runs.map((name) => done.get(name) ?? 0);
    // The lead is only measured while both runs have folds left, and ignores the folds that the first run finished
    // before the second one started.
    if (b === 0) ahead = a;
    else if (a < count && b < count) lead = Math.max(lead, Math.abs(a - ahead - b));
  });
  const first = runToEnd(scene, { count, name: runs[0] });
  await sleep(1000);
  await Promise.all([first, runToEnd(scene, { count, name: runs[1] })]);
  onTaken(() => {});
  return comparison({
    name: 'two concurrent runs of 1,000 folds, folds of a run per fold of its lead',
    ...{ ours: count / Math.max(1, lead), theirs: 10, peer: 'a lead of 10 %', unit: 'folds', target: 1 },
  });
}

async function smallBesideLarge(scene: Scene): Promise<Comparison> {
  const alone: number[] = [];
  for (let i = 0; i < PAIRS; i++) alone.push((await runToEnd(scene, { count: SMALL, name: `alone-${i}` })).seconds);
  const large = runToEnd(scene, { count: 1500, name: 'large' });
  await sleep(1000);
  const beside: number[] = [];
  for (let i = 0; i < PAIRS; i++) beside.push((await runToEnd(scene, { count: SMALL, name: `small-${i}` })).seconds);
  await large;
  const [busy, bound] = [median(beside), 2 * median(alone) + FOLD];
  return comparison({
    name: `a run of ${SMALL} folds alongside a run of 1,500`,
    ...{ ours: 1 / busy, theirs: 1 / bound, peer: 'twice its time alone and one fold', unit: 'runs/s', target: 1 },
  });
}
