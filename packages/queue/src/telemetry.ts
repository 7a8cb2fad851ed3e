import type { QueueOptions } from 'bullmq';

type Telemetry = NonNullable<QueueOptions['telemetry']>;

let telemetry: Telemetry | undefined;

/**
 * Makes queues and consumers that are created from now on propagate traces from the producer of a job to its consumer.
 */
export async function traceJobs(): Promise<void> {
  const { BullMQOtel } = await import('bullmq-otel');
  telemetry = new BullMQOtel({ tracerName: 'cryfold' });
}

/** Telemetry options for BullMQ; empty if jobs are not traced. */
export const tracing = (): { telemetry?: Telemetry } => (telemetry ? { telemetry } : {});
