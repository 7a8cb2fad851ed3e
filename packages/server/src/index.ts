export { ApiServer, type ServerOptions } from './server.js';
