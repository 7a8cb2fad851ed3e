import type { CounterName, GaugeName, HistogramName, LabelsOf } from './catalogue.js';

/** One series' value. */
export interface Sample<N extends GaugeName> {
  labels: LabelsOf<N>;
  value: number;
}

/** What a process counts and measures. Names and labels are those of the catalogue; the compiler checks them. */
export interface Metrics {
  /** Whether anybody can read them: without, costly measurements need not be made. */
  readonly on: boolean;
  add<N extends CounterName>(name: N, labels: LabelsOf<N>, by?: number): void;
  set<N extends GaugeName>(name: N, labels: LabelsOf<N>, value: number): void;
  /** Ends a series whose subject is gone. */
  remove<N extends GaugeName>(name: N, labels: LabelsOf<N>): void;
  observe<N extends HistogramName>(name: N, labels: LabelsOf<N>, value: number): void;
  /** At each scrape a gauge's series are what `read` answers, and no others. */
  series<N extends GaugeName>(name: N, read: () => Iterable<Sample<N>>): void;
  /** In Prometheus's text format. */
  text(): Promise<string>;
}

/** Where no port is set, nothing is kept. */
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
