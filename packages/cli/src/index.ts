export { EXIT } from './exit-codes.js';
export { main } from './main.js';
export { findRedisServer } from './redis-server.js';
