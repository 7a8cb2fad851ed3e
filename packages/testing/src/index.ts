export { ConnectProxy } from './connect-proxy.js';
export { findTool } from './find-tool.js';
export { IdentityIssuer, MINIO_ROLE } from './identity-issuer.js';
export { freePort, S3_TOOLS, S3Server, type S3ServerOptions, type S3Tool } from './s3-server.js';
export { type SelfSigned, selfSigned } from './self-signed.js';
export { standIn } from './stand-in.js';
export { type Fault, TcpProxy } from './tcp-proxy.js';
export { voice } from './voice.js';
