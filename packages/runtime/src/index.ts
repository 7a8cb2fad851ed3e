export { type Config, loadConfig, type S3Config } from './config.js';
export { createLogger, type Logger } from './logger.js';
export { type Service, serve } from './service.js';
