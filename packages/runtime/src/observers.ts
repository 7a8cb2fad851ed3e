import type { CryfoldError } from '@cryfold/core';
import type { Metrics } from './metrics.js';

interface StoreOperation {
  operation: string;
  failed: boolean;
  seconds: number;
  bytes: number;
}

/** Counts a store's operations; undefined where nobody looks, so that nothing is measured either. */
export function storeObserver(metrics: Metrics): ((operation: StoreOperation) => void) | undefined {
  if (!metrics.on) return undefined;
  return ({ operation, failed, seconds, bytes }) => {
    metrics.add('cryfold_store_operations_total', { operation, outcome: failed ? 'error' : 'ok' });
    metrics.observe('cryfold_store_operation_duration_seconds', { operation }, seconds);
    if (bytes > 0) {
      const direction = operation === 'get' ? 'read' : 'written';
      metrics.add('cryfold_store_bytes_total', { direction }, bytes);
    }
  };
}

/** Counts what befalls the jobs of a queue and the connection to Redis. */
export function consumerObserver(metrics: Metrics, queue: string) {
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
