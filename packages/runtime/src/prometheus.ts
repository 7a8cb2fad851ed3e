import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { CATALOGUE, type Definition } from './catalogue.js';
import type { Metrics } from './metrics-interface.js';

/** Content type of {@link Metrics.text}. */
export const TEXT_FORMAT = Registry.PROMETHEUS_CONTENT_TYPE;

/**
 * The metrics of a service, including prom-client's process metrics. Loaded only if metrics are exported, since loading
 * it takes 6 MB of memory.
 */
export function createMetrics(role: string): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const counters = new Map<string, Counter>();
  const gauges = new Map<string, Gauge>();
  const histograms = new Map<string, Histogram>();
  const readers = new Map<string, () => Iterable<{ labels: Record<string, string | number>; value: number }>>();
  for (const [name, definition] of Object.entries<Definition>(CATALOGUE)) {
    if (!(definition.by as readonly string[]).includes(role)) continue;
    const { help, kind, buckets } = definition;
    const options = { name, help, labelNames: [...definition.labels], registers: [registry] };
    if (kind === 'counter') counters.set(name, new Counter(options));
    else if (kind === 'histogram') {
      histograms.set(name, new Histogram({ ...options, ...(buckets && { buckets: [...buckets] }) }));
    } else {
      const collect = function (this: Gauge) {
        const read = readers.get(name);
        if (!read) return;
        this.reset();
        for (const { labels, value } of read()) this.set(labels, value);
      };
      gauges.set(name, new Gauge({ ...options, collect }));
    }
  }
  return {
    on: true,
    add: (name, labels, by = 1) => counters.get(name)?.inc(labels, by),
    set: (name, labels, value) => gauges.get(name)?.set(labels, value),
    remove: (name, labels) => gauges.get(name)?.remove(labels),
    observe: (name, labels, value) => histograms.get(name)?.observe(labels, value),
    series: (name, read) => void readers.set(name, read),
    text: () => registry.metrics(),
  };
}
