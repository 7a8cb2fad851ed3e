/**
 * A process that simulates many workers for cluster.ts: cluster-workers.js REDIS_URL STORE_URL WORKERS SECONDS. Each
 * worker does what a real one does, except for training: it takes a fold, renews its lock, reports its progress four
 * times a second, checks the store once a second for a cancellation, and commits.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { openStore, RunStore } from '@cryfold/store';
import { record, takeFolds } from './no-op.js';

const [url, storeUrl, workers, seconds] = process.argv.slice(2);
const store = new RunStore(openStore(storeUrl));
const consumers = Array.from({ length: Number(workers) }, () =>
  takeFolds(url, 1, async ({ key, run }, attempt) => {
    const started = performance.now();
    const end = started + 1000 * Number(seconds);
    await attempt.progress({ done: 0, total: 1 });
    for (let look = 1; performance.now() < end; look++) {
      await sleep(Math.min(250, end - performance.now()));
      void attempt.progress({ done: performance.now() - started, total: 1000 * Number(seconds) }).catch(() => {});
      if (look % 4 === 0) await store.runs.isCancelled(run);
    }
    await store.folds.commit(record(key));
  }),
);
process.on('message', async () => {
  await Promise.all(consumers.map((consumer) => consumer.close(true)));
  process.disconnect?.();
});
process.send?.('ready');
