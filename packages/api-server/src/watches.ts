import { setTimeout as sleep } from 'node:timers/promises';
import { type ClusterView, queueStatus } from '@cryfold/run-control';
import { type Logger, RepeatedErrors } from '@cryfold/runtime';
import { Feed } from './feed.js';
import { RunGrid } from './run-grid.js';
import type { RunList } from './run-list.js';
import type { Watched } from './watched.js';

/** Milliseconds between refreshes. All viewers share each refresh. */
const REFRESH_MS = 1000;
/** Milliseconds for which refreshing continues after the last viewer has left, in case it reconnects. */
const LINGER_MS = 30_000;

/** Feeds by subject. A feed is opened for its first viewer, and refreshed while it has listeners. */
export class Watches {
  readonly #list: RunList;
  readonly #errors: RepeatedErrors;
  readonly #watched = new Map<string, Promise<Feed>>();
  readonly #stopped = new AbortController();

  constructor(list: RunList, log: Logger) {
    this.#list = list;
    this.#errors = new RepeatedErrors(log);
  }

  /** Feed of all runs, queues and workers. */
  cluster(): Promise<Feed> {
    return this.#watch('', async () => watchCluster(this.#list));
  }

  /** Feed of one run, fold by fold. @throws CryfoldError RUN_NOT_FOUND */
  run(run: string): Promise<Feed> {
    return this.#watch(run, () => RunGrid.open(this.#list, run));
  }

  stop(): void {
    this.#stopped.abort();
  }

  #watch(name: string, open: () => Promise<Watched>): Promise<Feed> {
    const known = this.#watched.get(name);
    if (known) return known;
    const opened = open().then((watched) => {
      void this.#keepFresh(name, watched);
      return watched.feed;
    });
    this.#watched.set(name, opened);
    opened.catch(() => this.#watched.delete(name));
    return opened;
  }

  async #keepFresh(name: string, { feed, refresh }: Watched): Promise<void> {
    let lastListener = Date.now();
    while (!this.#stopped.signal.aborted) {
      await sleep(REFRESH_MS, undefined, { signal: this.#stopped.signal, ref: false }).catch(() => {});
      if (feed.listeners > 0) lastListener = Date.now();
      if (Date.now() - lastListener > LINGER_MS) break;
      await refresh().catch((error) => this.#errors.warn({ err: error, watch: name }, 'refresh failed'));
    }
    this.#watched.delete(name);
  }
}

async function watchCluster(list: RunList): Promise<Watched> {
  let runs = new Map<string, string>();
  let queues = '';
  let now: ClusterView = { queues: null, workers: [], runs: [] };
  const feed = new Feed(() => now);
  const refresh = async () => {
    const { queues: counts, workers } = await queueStatus(list.queues);
    const found = await list.brief();
    now = { queues: counts, workers, runs: found };
    const texts = new Map(found.map((run) => [run.run, JSON.stringify(run)]));
    const changed = found.filter(({ run }) => texts.get(run) !== runs.get(run));
    const text = JSON.stringify([counts, workers]);
    const change: ClusterView = { queues: counts, workers, runs: changed };
    if (changed.length > 0 || text !== queues) feed.publish(change);
    runs = texts;
    queues = text;
  };
  await refresh();
  return { feed, refresh };
}
