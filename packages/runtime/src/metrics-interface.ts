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
