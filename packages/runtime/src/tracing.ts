import type { Spanner } from './spanner.js';

let spanner: Spanner | undefined;

/**
 * Runs work inside a span of the current trace, or of a new one; without tracing, only runs the work. The span of work
 * that throws is marked as failed.
 */
export const traced: Spanner = (name, attributes, work) => (spanner ? spanner(name, attributes, work) : work());

/**
 * Sends spans to an OTLP/HTTP collector from now on; without an endpoint, nothing is loaded or traced.
 * @param role such as `worker`: the service name is then `cryfold-worker`
 * @param endpoint base URL, such as `http://collector:4318`; spans go to its `/v1/traces`
 * @returns flushes the remaining spans, or gives up after some seconds if the collector is unavailable
 */
export async function startTracing(role: string, endpoint: string | undefined): Promise<() => Promise<void>> {
  if (!endpoint) return async () => {};
  const { openTelemetry } = await import('./open-telemetry.js');
  const telemetry = openTelemetry(`cryfold-${role}`, endpoint);
  spanner = telemetry.spanner;
  return telemetry.stop;
}
