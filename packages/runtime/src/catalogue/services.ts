import type { Definition } from './definition.js';

const ALL = ['coordinator', 'worker', 'aggregator'] as const;

/** What every service reports about itself, its store and its jobs, and what coordinators report about queues and Redis. */
export const SERVICE_METRICS = {
  cryfold_service_info: {
    kind: 'gauge',
    by: ALL,
    labels: ['role', 'version', 'node'],
    help: 'Always 1; says what runs here.',
  },
  cryfold_check_ok: {
    kind: 'gauge',
    by: ALL,
    labels: ['check'],
    help: 'Whether what the service needs was there at the last look (1) or not (0): what /readyz answers.',
  },
  cryfold_check_passed_timestamp_seconds: {
    kind: 'gauge',
    by: ALL,
    labels: ['check'],
    help: 'When a check passed last. For check="redis" this is the process’s heartbeat.',
  },
  cryfold_store_operations_total: {
    kind: 'counter',
    by: ALL,
    labels: ['operation', 'outcome'],
    help: 'Calls of the artifact store that ended, by outcome (ok, error). Those that a driver tries again count once.',
  },
  cryfold_store_operation_duration_seconds: {
    kind: 'histogram',
    by: ALL,
    labels: ['operation'],
    help: 'How long calls of the artifact store took, with their retries.',
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
    help: 'How often a lost connection to Redis was made again.',
  },
  cryfold_attempt_failures_total: {
    kind: 'counter',
    by: ALL,
    labels: ['queue', 'class', 'code'],
    help: 'Attempts at jobs that failed, by class: input is never retried, infrastructure waits, crash gets a fresh child.',
  },
  cryfold_lost_leases_total: {
    kind: 'counter',
    by: ALL,
    labels: ['queue'],
    help: 'Jobs whose worker no longer renewed their lock and which were given to another; counted by who found them.',
  },
  cryfold_queue_jobs: {
    kind: 'gauge',
    by: ['coordinator'],
    labels: ['queue', 'state'],
    help: 'Jobs in a queue, whatever their run. KEDA scales workers by it. Every coordinator reports the same figure: take the maximum.',
  },
  cryfold_dead_jobs_total: {
    kind: 'counter',
    by: ['coordinator'],
    labels: ['queue'],
    help: 'Jobs that failed for good, as this coordinator heard: every coordinator hears the same.',
  },
  cryfold_queue_oldest_waiting_seconds: {
    kind: 'gauge',
    by: ['coordinator'],
    labels: ['queue'],
    help: 'Age of the job that has waited longest; 0 where none waits.',
  },
  cryfold_queue_consumers: {
    kind: 'gauge',
    by: ['coordinator'],
    labels: ['queue'],
    help: 'Processes that take jobs from a queue, as Redis counts them.',
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
    help: 'Memory that Redis may use: its maxmemory, or else the memory of its machine.',
  },
} as const satisfies Record<string, Definition>;
