/** What prom-client makes of a metric. */
type Kind = 'counter' | 'gauge' | 'histogram';
type Role = 'coordinator' | 'worker' | 'aggregator';

interface Definition {
  readonly kind: Kind;
  /** The services that export it */
  readonly by: readonly Role[];
  readonly labels: readonly string[];
  readonly help: string;
  /** Upper bounds of a histogram's buckets, in its unit */
  readonly buckets?: readonly number[];
}

const ALL = ['coordinator', 'worker', 'aggregator'] as const;

/**
 * Every metric of cryfold's own, in the order of docs/metrics.md, which is made of this list (scripts/metrics-doc.mjs).
 * Units are in the names: seconds, bytes, ratios in [0, 1]; `_total` counts since the process began.
 */
export const CATALOGUE = {
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
  cryfold_queue_jobs: {
    kind: 'gauge',
    by: ['coordinator'],
    labels: ['queue', 'state'],
    help: 'Jobs in a queue, whatever their run. KEDA scales workers by it. Every coordinator tells the same: take the max.',
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

export type MetricName = keyof typeof CATALOGUE;
type OfKind<K extends Kind> = { [N in MetricName]: (typeof CATALOGUE)[N]['kind'] extends K ? N : never }[MetricName];
export type CounterName = OfKind<'counter'>;
export type GaugeName = OfKind<'gauge'>;
export type HistogramName = OfKind<'histogram'>;
export type LabelsOf<N extends MetricName> = Record<(typeof CATALOGUE)[N]['labels'][number], string | number>;
