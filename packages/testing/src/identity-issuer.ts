import { createSign, generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

const CLIENT = 'cryfold';

/** The role ARN to pass to MinIO if the web identity itself specifies the policy. */
export const MINIO_ROLE = 'arn:minio:iam:::role/dummy-internal';

/** Issues web identities (JSON web tokens) that a MinIO server trusts, as a Kubernetes cluster does for its pods. */
export class IdentityIssuer {
  readonly #keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      const jwk = { ...this.#keys.publicKey.export({ format: 'jwk' }), kid: 'a', use: 'sig', alg: 'RS256' };
      const known = {
        issuer: this.url,
        jwks_uri: `${this.url}/keys`,
        authorization_endpoint: `${this.url}/none`,
        response_types_supported: [],
      };
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(request.url === '/keys' ? { keys: [jwk] } : known));
    });
  }

  static async start(): Promise<IdentityIssuer> {
    const issuer = new IdentityIssuer();
    issuer.#server.listen(0, '127.0.0.1');
    await once(issuer.#server, 'listening');
    return issuer;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Returns the environment variables of a MinIO server that trusts this issuer. */
  get minio(): Record<string, string> {
    return {
      MINIO_IDENTITY_OPENID_CONFIG_URL: `${this.url}/.well-known/openid-configuration`,
      MINIO_IDENTITY_OPENID_CLIENT_ID: CLIENT,
    };
  }

  /** Returns a web identity that may read and write, and that expires after the given number of seconds. */
  token(seconds: number): string {
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: this.url, aud: CLIENT, sub: 'worker', policy: 'readwrite', iat: now, exp: now + seconds };
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const signed = `${encode({ alg: 'RS256', typ: 'JWT', kid: 'a' })}.${encode(claims)}`;
    return `${signed}.${createSign('RSA-SHA256').update(signed).sign(this.#keys.privateKey, 'base64url')}`;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
