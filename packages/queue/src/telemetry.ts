import type { QueueOptions } from 'bullmq';

type Telemetry = NonNullable<QueueOptions['telemetry']>;

let telemetry: Telemetry | undefined;

/** Has queues and consumers that are made from now on carry traces from who adds a job to who does it. */
export async function traceJobs(): Promise<void> {
  const { BullMQOtel } = await import('bullmq-otel');
  telemetry = new BullMQOtel({ tracerName: 'cryfold' });
}

/** For BullMQ's options; nothing where jobs are not traced. */
export const tracing = (): { telemetry?: Telemetry } => (telemetry ? { telemetry } : {});
