import type { CryfoldError } from '@cryfold/core';
import type { Metrics } from './metrics-interface.js';

interface StoreOperation {
  operation: string;
  failed: boolean;
  seconds: number;
  bytes: number;
}

const STORE_OPERATIONS = ['get', 'has', 'stat', 'put', 'putIfAbsent', 'list', 'delete'];

/** The most frequent error code of each class of attempt failures. */
const FAILURES = { crash: 'CHILD_DIED', infrastructure: 'STORE_UNREACHABLE' };

/** Counts the operations of a store. Returns undefined if metrics are not exported, so that nothing is measured. */
export function storeObserver(metrics: Metrics): ((operation: StoreOperation) => void) | undefined {
  if (!metrics.on) return undefined;
  // Each count of errors must start at 0, because otherwise Prometheus would not see the first error as an increase.
  for (const operation of STORE_OPERATIONS)
    metrics.add('cryfold_store_operations_total', { operation, outcome: 'error' }, 0);
  return ({ operation, failed, seconds, bytes }) => {
    metrics.add('cryfold_store_operations_total', { operation, outcome: failed ? 'error' : 'ok' });
    metrics.observe('cryfold_store_operation_duration_seconds', { operation }, seconds);
    if (bytes > 0) {
      const direction = operation === 'get' ? 'read' : 'written';
      metrics.add('cryfold_store_bytes_total', { direction }, bytes);
    }
  };
}

/** Counts the job events of a queue and the events of its connection to Redis. */
export function consumerObserver(metrics: Metrics, queue: string) {
  metrics.add('cryfold_lost_leases_total', { queue }, 0);
  metrics.add('cryfold_redis_reconnects_total', {}, 0);
  for (const [failure, code] of Object.entries(FAILURES)) {
    metrics.add('cryfold_attempt_failures_total', { queue, class: failure, code }, 0);
  }
  return {
    failed({ failure, code }: CryfoldError) {
      metrics.add('cryfold_attempt_failures_total', { queue, class: failure, code });
    },
    lostLease() {
      metrics.add('cryfold_lost_leases_total', { queue });
    },
    reconnected() {
      metrics.add('cryfold_redis_reconnects_total', {});
    },
  };
}
