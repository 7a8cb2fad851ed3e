import type { Spanner } from './spanner.js';

let spanner: Spanner | undefined;

/**
 * Runs work inside a span of the current trace or a new one. If the work throws, the span is marked as failed. If
 * tracing is off, just runs the work.
 */
export const traced: Spanner = (name, attributes, work) => (spanner ? spanner(name, attributes, work) : work());

/**
 * Starts sending spans to an OTLP/HTTP collector. Without an endpoint, nothing is loaded or traced.
 * @param role such as `worker`: the service name is then `cryfold-worker`
 * @param endpoint base URL, such as `http://collector:4318`; spans go to its `/v1/traces`
 * @returns a function that flushes the remaining spans, and gives up after a few seconds if the collector is
 * unavailable
 */
export async function startTracing(role: string, endpoint: string | undefined): Promise<() => Promise<void>> {
  if (!endpoint) return async () => {};
  const { openTelemetry } = await import('./open-telemetry.js');
  const telemetry = openTelemetry(`cryfold-${role}`, endpoint);
  spanner = telemetry.spanner;
  return telemetry.stop;
}
