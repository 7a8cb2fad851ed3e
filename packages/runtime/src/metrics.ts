import type { Metrics } from './metrics-interface.js';

/** Used without a metrics port: records nothing. */
export const NO_METRICS: Metrics = {
  on: false,
  add() {},
  set() {},
  remove() {},
  observe() {},
  series() {},
  text: async () => '',
};

/** The metrics of a role that serves them itself, and the content type of their text. */
export async function loadMetrics(role: string): Promise<{ metrics: Metrics; textFormat: string }> {
  const { createMetrics, TEXT_FORMAT } = await import('./prometheus.js');
  return { metrics: createMetrics(role), textFormat: TEXT_FORMAT };
}
