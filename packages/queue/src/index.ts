export { checkRedis, inspectRedis } from './connection.js';
export { type Attempt, Consumer, type ConsumerObserver, type ConsumerOptions } from './consumer.js';
export { asCryfoldError, failureOf } from './failures.js';
export {
  type FoldPayload,
  QUEUE_NAMES,
  type QueueName,
  type RunPayload,
  runPayload,
  type WorkPayload,
  workPayload,
} from './payloads.js';
export { shutDownPrivateRedis } from './private-redis.js';
export {
  type CounterName,
  type JobRequest,
  type JobStatus,
  MAX_PRIORITY,
  type QueueListeners,
  type QueueState,
  Queues,
} from './queues.js';
export type { RedisFacts } from './redis-fitness.js';
export { traceJobs } from './telemetry.js';
export { Beacon, type WorkerActivity, type WorkerReport, workerReport } from './workers.js';
