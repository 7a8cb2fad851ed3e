import type { CounterName, GaugeName, HistogramName, LabelsOf } from './catalogue.js';

/** The value of one series. */
export interface Sample<N extends GaugeName> {
  labels: LabelsOf<N>;
  value: number;
}

/** Counters and gauges of a process. The compiler checks names and labels against the catalogue. */
export interface Metrics {
  /** Whether metrics are exported. If metrics are not exported, callers can skip costly measurements. */
  readonly on: boolean;
  add<N extends CounterName>(name: N, labels: LabelsOf<N>, by?: number): void;
  set<N extends GaugeName>(name: N, labels: LabelsOf<N>, value: number): void;
  /** Removes a series. Call this when the object that the series describes no longer exists. */
  remove<N extends GaugeName>(name: N, labels: LabelsOf<N>): void;
  observe<N extends HistogramName>(name: N, labels: LabelsOf<N>, value: number): void;
  /** Registers a function that is called at each scrape and returns all series of a gauge. */
  series<N extends GaugeName>(name: N, read: () => Iterable<Sample<N>>): void;
  /** Returns all metrics in Prometheus's text format. */
  text(): Promise<string>;
}
