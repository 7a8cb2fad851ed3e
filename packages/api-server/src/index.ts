export { Feed, type FeedEvent } from './feed.js';
export { ApiServer, type ServerOptions } from './server.js';
