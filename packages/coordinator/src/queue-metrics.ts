import { setTimeout as sleep } from 'node:timers/promises';
import { QUEUE_NAMES, type QueueName, type QueueState, type Queues } from '@cryfold/queue';
import type { Metrics } from '@cryfold/runtime';

/** Milliseconds between refreshes. A scrape returns the latest figures. */
const EVERY_MS = 5000;

/**
 * Exports gauges of all queues and of Redis until `stopped` is signalled. Removes the gauges while Redis does not
 * respond, because stale figures are misleading.
 */
export async function watchQueues(queues: Queues, metrics: Metrics, stopped: AbortSignal): Promise<void> {
  if (!metrics.on) return;
  let states: [QueueName, QueueState][] = [];
  let memory: { used: number; limit: number }[] = [];
  metrics.series('cryfold_queue_jobs', () =>
    states.flatMap(([queue, { jobs }]) =>
      Object.entries(jobs).map(([state, value]) => ({ labels: { queue, state }, value })),
    ),
  );
  metrics.series('cryfold_queue_oldest_waiting_seconds', () =>
    states.map(([queue, { oldestSeconds }]) => ({ labels: { queue }, value: oldestSeconds })),
  );
  metrics.series('cryfold_queue_consumers', () =>
    states.map(([queue, { consumers }]) => ({ labels: { queue }, value: consumers })),
  );
  metrics.series('cryfold_redis_memory_bytes', () => memory.map(({ used }) => ({ labels: {}, value: used })));
  metrics.series('cryfold_redis_memory_limit_bytes', () => memory.map(({ limit }) => ({ labels: {}, value: limit })));
  while (!stopped.aborted) {
    try {
      states = await Promise.all(
        QUEUE_NAMES.map(async (name) => [name, await queues.state(name)] as [QueueName, QueueState]),
      );
      memory = [await queues.memory()];
    } catch {
      states = [];
      memory = [];
    }
    await sleep(EVERY_MS, undefined, { signal: stopped }).catch(() => {});
  }
}
