import type { Definition } from './definition.js';

const ALL = ['coordinator', 'worker', 'aggregator'] as const;

/** What every service reports about itself, its store and its jobs, and what coordinators report about queues and Redis. */
export const SERVICE_METRICS = {
  cryfold_service_info: {
    kind: 'gauge',
    by: ALL,
    labels: ['role', 'version', 'node'],
    help: 'Always 1; the labels describe the running build.',
  },
  cryfold_check_ok: {
    kind: 'gauge',
    by: ALL,
    labels: ['check'],
    help: 'Whether the last check of a dependency passed (1) or failed (0), as reported by /readyz.',
  },
  cryfold_check_passed_timestamp_seconds: {
    kind: 'gauge',
    by: ALL,
    labels: ['check'],
    help: 'When a check last passed. For check="redis", this is the heartbeat of the process.',
  },
  cryfold_store_operations_total: {
    kind: 'counter',
    by: ALL,
    labels: ['operation', 'outcome'],
    help: 'Completed calls to the artifact store, by outcome (ok, error). A call counts once, including its retries.',
  },
  cryfold_store_operation_duration_seconds: {
    kind: 'histogram',
    by: ALL,
    labels: ['operation'],
    help: 'How long calls to the artifact store took, including retries.',
    buckets: [0.002, 0.01, 0.05, 0.2, 1, 5, 30],
  },
  cryfold_store_bytes_total: {
    kind: 'counter',
    by: ALL,
    labels: ['direction'],
    help: 'Bytes read from and written to the artifact store.',
  },
  cryfold_redis_reconnects_total: {
    kind: 'counter',
    by: ALL,
    labels: [],
    help: 'How often a lost connection to Redis was restored.',
  },
  cryfold_attempt_failures_total: {
    kind: 'counter',
    by: ALL,
    labels: ['queue', 'class', 'code'],
    help: 'Failed job attempts, by error class: input errors are never retried, infrastructure errors are retried after a wait, and crashes are retried in a new child.',
  },
  cryfold_lost_leases_total: {
    kind: 'counter',
    by: ALL,
    labels: ['queue'],
    help: 'Jobs that were given to another worker because the first one stopped renewing its lock; counted by the process that detected it.',
  },
  cryfold_queue_jobs: {
    kind: 'gauge',
    by: ['coordinator'],
    labels: ['queue', 'state'],
    help: 'Jobs in a queue, across all runs. KEDA scales workers by this metric. Every coordinator reports the same value, so take the maximum.',
  },
  cryfold_dead_jobs_total: {
    kind: 'counter',
    by: ['coordinator'],
    labels: ['queue'],
    help: 'Permanently failed jobs. Every coordinator reports the same value.',
  },
  cryfold_queue_oldest_waiting_seconds: {
    kind: 'gauge',
    by: ['coordinator'],
    labels: ['queue'],
    help: 'Age of the job that has waited longest; 0 if no job is waiting.',
  },
  cryfold_queue_consumers: {
    kind: 'gauge',
    by: ['coordinator'],
    labels: ['queue'],
    help: 'Processes that take jobs from a queue, according to Redis.',
  },
  cryfold_redis_memory_bytes: {
    kind: 'gauge',
    by: ['coordinator'],
    labels: [],
    help: 'Memory that Redis uses for its data.',
  },
  cryfold_redis_memory_limit_bytes: {
    kind: 'gauge',
    by: ['coordinator'],
    labels: [],
    help: 'Memory that Redis may use: its maxmemory or, if that is unset, the memory of its machine.',
  },
} as const satisfies Record<string, Definition>;
