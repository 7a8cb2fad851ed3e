import type { Spanner } from './spanner.js';

let spanner: Spanner | undefined;

/**
 * Does work inside a span of the trace that is under way, or of a new one; without tracing it only does the work. A span
 * of work that throws is marked as failed.
 */
export const traced: Spanner = (name, attributes, work) => (spanner ? spanner(name, attributes, work) : work());

/**
 * Sends spans from now on to an OTLP/HTTP collector; without an endpoint nothing is loaded, and nothing is traced.
 * @param role such as `worker`: the service is then called `cryfold-worker`
 * @param endpoint base URL, such as `http://collector:4318`; spans go to `/v1/traces` there
 * @returns sends what is left, or gives up after some seconds where the collector is away
 */
export async function startTracing(role: string, endpoint: string | undefined): Promise<() => Promise<void>> {
  if (!endpoint) return async () => {};
  const { openTelemetry } = await import('./open-telemetry.js');
  const telemetry = openTelemetry(`cryfold-${role}`, endpoint);
  spanner = telemetry.spanner;
  return telemetry.stop;
}
