import type { Definition, Kind } from './catalogue/definition.js';
import { RUN_METRICS } from './catalogue/runs.js';
import { SERVICE_METRICS } from './catalogue/services.js';
import { WORK_METRICS } from './catalogue/work.js';

export type { Definition } from './catalogue/definition.js';

/**
 * All metrics that cryfold defines, in the order of docs/metrics.md, which tools/metrics-doc generates from this list.
 * Names end with the unit: seconds, bytes, or ratio (0 to 1). `_total` counts since the process started.
 */
export const CATALOGUE = {
  ...SERVICE_METRICS,
  ...RUN_METRICS,
  ...WORK_METRICS,
} as const satisfies Record<string, Definition>;

export type MetricName = keyof typeof CATALOGUE;
type OfKind<K extends Kind> = { [N in MetricName]: (typeof CATALOGUE)[N]['kind'] extends K ? N : never }[MetricName];
export type CounterName = OfKind<'counter'>;
export type GaugeName = OfKind<'gauge'>;
export type HistogramName = OfKind<'histogram'>;
export type LabelsOf<N extends MetricName> = Record<(typeof CATALOGUE)[N]['labels'][number], string | number>;
