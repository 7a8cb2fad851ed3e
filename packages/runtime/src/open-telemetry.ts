import { setTimeout as sleep } from 'node:timers/promises';
import { SpanStatusCode, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { proxyAgent } from './proxy-agent.js';
import type { Spanner } from './spanner.js';

/**
 * Timeout in milliseconds for sending the last spans, so that an unreachable collector cannot keep a service from
 * stopping.
 */
const FLUSH_MS = 3000;
/** Timeout in milliseconds for a proxy to open a tunnel; equals the exporter's default timeout for a request. */
const PROXY_MS = 10_000;

/** Registers OpenTelemetry for the whole process, including BullMQ's hook. Loaded only if an endpoint is configured. */
export function openTelemetry(service: string, endpoint: string): { spanner: Spanner; stop: () => Promise<void> } {
  const url = `${endpoint.replace(/\/$/, '')}/v1/traces`;
  const agent = proxyAgent(url, { keepAlive: true, patienceMs: PROXY_MS });
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({ 'service.name': service, 'process.pid': process.pid }),
    spanProcessors: [
      new BatchSpanProcessor(new OTLPTraceExporter({ url, ...(agent && { httpAgentOptions: () => agent }) }), {
        scheduledDelayMillis: 1000,
      }),
    ],
  });
  provider.register();
  const tracer = trace.getTracer('cryfold');
  return {
    spanner: (name, attributes, work) =>
      tracer.startActiveSpan(name, { attributes }, async (span) => {
        try {
          return await work();
        } catch (error) {
          span.recordException(error as Error);
          span.setStatus({ code: SpanStatusCode.ERROR, message: (error as Error).message });
          throw error;
        } finally {
          span.end();
        }
      }),
    stop: async () => {
      await Promise.race([provider.shutdown().catch(() => {}), sleep(FLUSH_MS, undefined, { ref: false })]);
    },
  };
}
