// Measures how much viewers of the live page slow down a long run: how fast its folds finish with and without viewers,
// and how many requests per second the API handles. Everything, including the viewers, shares the processors of this
// machine with the single worker. Time windows alternate (without viewers, with, with, without, ...), so that drift
// cancels out. A window with viewers begins after every viewer has received its first event. A window without viewers
// waits until the server has stopped refreshing closed pages. The rate of a window is measured from the end of its
// first fold to the end of its last fold. Do not use the machine for anything else during the measurement.
//
// usage: tools/load-api [--fold small-cnn|svm] [--pairs N] [--viewers N] [--window SECONDS] [--seconds N]
import { availableParallelism, loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { studentCritical } from '@cryfold/evaluation/distributions';
import autocannon from 'autocannon';
import { LoadedRun, type Rate } from './load-api/loaded-run.js';
import { Viewers } from './load-api/viewers.js';
import { mean, median } from './statistics.js';

/**
 * Kinds of folds. A fold of `small-cnn` takes a second or two on one core, which is the minimum for networks. A fold of
 * `svm` takes about 10 ms, which is the worst case.
 */
const FOLDS = {
  'small-cnn': { estimator: 'kind: small-cnn, epochs: 10', window: 40, folds: 5000 },
  svm: { estimator: 'kind: svm', window: 10, folds: 20_000 },
};
/**
 * Milliseconds for which the server keeps refreshing a page after its last viewer has left; see LINGER in
 * packages/api-server.
 */
const LINGER = 31_000;

const { values } = parseArgs({
  options: {
    fold: { type: 'string', default: 'small-cnn' },
    pairs: { type: 'string', default: '3' },
    viewers: { type: 'string', default: '200' },
    window: { type: 'string' },
    seconds: { type: 'string', default: '5' },
  },
});

interface Pair {
  unwatched: Rate;
  watched: Rate;
  /** Bytes per second that each viewer read */
  heard: number;
  /** By how much viewers change the rate, in percent */
  change: number;
}

/**
 * Measures time windows with or without viewers. Viewers stay connected until the next window without viewers begins.
 */
class Windows {
  #watched = false;

  constructor(
    private readonly loaded: LoadedRun,
    private readonly viewers: Viewers,
    private readonly seconds: number,
  ) {}

  async measure(watched: boolean): Promise<Rate> {
    if (watched && !this.#watched) {
      await this.viewers.enter(Number(values.viewers), this.loaded.run);
      await sleep(2000);
    } else if (!watched && this.#watched) {
      this.viewers.leave();
      await sleep(LINGER);
    }
    this.#watched = watched;
    this.viewers.heard = 0;
    return this.loaded.measure(this.seconds);
  }

  async pair(watchedFirst: boolean): Promise<Pair> {
    const rates = new Map<boolean, Rate>();
    let heard = 0;
    for (const watched of [watchedFirst, !watchedFirst]) {
      rates.set(watched, await this.measure(watched));
      if (watched) heard = this.viewers.heard / this.seconds / Number(values.viewers);
    }
    const [unwatched, watched] = [rates.get(false)!, rates.get(true)!];
    return { unwatched, watched, heard, change: (100 * (watched.rate - unwatched.rate)) / unwatched.rate };
  }
}

function pairLine({ unwatched, watched, heard, change }: Pair): string {
  const folds = ({ folds, each }: Rate) => `${folds} folds of ${each.toFixed(3)} s`;
  return (
    `${unwatched.rate.toFixed(3)} folds/s unwatched (${folds(unwatched)}), ${watched.rate.toFixed(3)} watched ` +
    `(${folds(watched)}; ${heard.toFixed(0)} bytes/s per viewer): ${change.toFixed(1)} %`
  );
}

function summary(pairs: readonly Pair[]): string {
  const changes = pairs.map(({ change }) => change);
  const centre = mean(changes);
  const variance = changes.reduce((sum, change) => sum + (change - centre) ** 2, 0) / (changes.length - 1);
  const enough = changes.length > 1;
  const half = enough ? studentCritical(0.05, changes.length - 1) * Math.sqrt(variance / changes.length) : Number.NaN;
  const interval = `95 % t-interval ${(centre - half).toFixed(1)} to ${(centre + half).toFixed(1)} %`;
  const core = (rates: Rate[]) => `${(100 * median(rates.map(({ share }) => share))).toFixed(1)} %`;
  const unwatched = core(pairs.map((pair) => pair.unwatched));
  const watched = core(pairs.map((pair) => pair.watched));
  return (
    `the pairs' changes: median ${median(changes).toFixed(1)} %, mean ${centre.toFixed(1)} % (${interval})\n` +
    `the coordinator takes ${unwatched} of a core unwatched, ${watched} watched (medians)`
  );
}

async function requests({ url, run }: LoadedRun): Promise<void> {
  for (const path of ['/healthz', '/api/v1/runs', `/api/v1/runs/${run}`, `/api/v1/runs/${run}/folds/it/0/0`, '/']) {
    const options = { url: `${url}${path}`, connections: 10, duration: Number(values.seconds) };
    const { requests, latency, non2xx, errors } = await autocannon(options);
    const failed = non2xx + errors;
    const figures = `${requests.average.toFixed(0)} requests/s, median ${latency.p50} ms, 99 % within ${latency.p99} ms`;
    console.log(`${path.replace(run, 'RUN').padEnd(36)} ${figures}${failed ? `, ${failed} FAILED` : ''}`);
  }
}

async function main(): Promise<void> {
  if (!Object.hasOwn(FOLDS, values.fold)) throw new Error(`--fold must be small-cnn or svm, not ${values.fold}`);
  const kind = FOLDS[values.fold as keyof typeof FOLDS];
  const window = Number(values.window ?? kind.window);
  const loaded = await LoadedRun.start(kind.estimator, kind.folds);
  const viewers = new Viewers(loaded.url);
  try {
    // The first folds are trained while the others are still being enqueued.
    await sleep(window * 1000);
    const load = `${availableParallelism()} cores, load ${loadavg()[0].toFixed(1)}`;
    console.log(`${values.fold}, ${values.viewers} viewers, windows of ${window} s, ${load}`);
    const windows = new Windows(loaded, viewers, window);
    const pairs: Pair[] = [];
    for (let pair = 0; pair < Number(values.pairs); pair++) {
      pairs.push(await windows.pair(pair % 2 === 1));
      console.log(`pair ${pair + 1}: ${pairLine(pairs[pair])}`);
    }
    console.log(summary(pairs));
    viewers.leave();
    const { total, done } = await loaded.cancel();
    console.log(`requests for a cancelled run of ${total} folds, ${done} of which are done:`);
    await requests(loaded);
  } finally {
    viewers.leave();
    await loaded.stop();
  }
}

await main();
