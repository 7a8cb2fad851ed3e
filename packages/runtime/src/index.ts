export { CATALOGUE, type GaugeName, type LabelsOf, type MetricName } from './catalogue.js';
export { type ApiConfig, type ApiRole, type Config, loadConfig, type S3Config } from './config.js';
export { type Checks, Endpoint, type EndpointOptions } from './endpoint.js';
export { createLogger, type Logger } from './logger.js';
export { loadMetrics, type Metrics, NO_METRICS, type Sample } from './metrics.js';
export { consumerObserver, storeObserver } from './observers.js';
export { type ServeOptions, type Service, serve } from './service.js';
export { startTracing, traced } from './tracing.js';
