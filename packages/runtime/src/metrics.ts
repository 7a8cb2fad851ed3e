import type { Metrics } from './metrics-interface.js';

/** A no-op implementation, which is used if no metrics port is set. */
export const NO_METRICS: Metrics = {
  on: false,
  add() {},
  set() {},
  remove() {},
  observe() {},
  series() {},
  text: async () => '',
};

/** Returns the metrics of a service, and the content type of their text format. */
export async function loadMetrics(role: string): Promise<{ metrics: Metrics; textFormat: string }> {
  const { createMetrics, TEXT_FORMAT } = await import('./prometheus.js');
  return { metrics: createMetrics(role), textFormat: TEXT_FORMAT };
}
