/** The type of a metric, as prom-client calls it. */
export type Kind = 'counter' | 'gauge' | 'histogram';
type Role = 'coordinator' | 'worker' | 'aggregator' | 'serve';

export interface Definition {
  readonly kind: Kind;
  /** The services that export the metric */
  readonly by: readonly Role[];
  readonly labels: readonly string[];
  readonly help: string;
  /** Upper bounds of a histogram's buckets, in its unit */
  readonly buckets?: readonly number[];
}
