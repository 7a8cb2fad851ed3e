import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type IdentityIssuer, MINIO_ROLE } from '@cryfold/testing';

/** Lifetime of the credentials, and time between two renewals, in seconds. */
const LIFE = 12;
const EVERY = 4;
/**
 * Length of a pause in seconds. Each pause is long enough for all credentials to expire, so that no valid ones exist
 * for a while.
 */
export const KEYS_AWAY = LIFE + 4;

/**
 * Renews the short-lived credentials of services for MinIO: either web identities, which the services exchange for keys
 * of a role, or files with such keys. All files are replaced at once, as in Kubernetes.
 */
export class KeyAgent {
  /** Environment variables of the services */
  readonly environment: Record<string, string>;
  /** Number of pauses in progress; credentials are only renewed while it is 0. */
  pauses = 0;
  readonly #kind: 'identity' | 'files';
  readonly #issuer: IdentityIssuer;
  readonly #endpoint: string;
  readonly #folder: string;
  readonly #end = new AbortController();
  #renewing = Promise.resolve();
  #renewals = 0;

  private constructor(options: KeyAgentOptions) {
    const { kind, issuer, endpoint, folder } = options;
    this.#kind = kind;
    this.#issuer = issuer;
    this.#endpoint = endpoint;
    this.#folder = folder;
    const file = (name: string) => join(folder, 'now', name);
    this.environment =
      kind === 'identity'
        ? {
            AWS_WEB_IDENTITY_TOKEN_FILE: file('token'),
            AWS_ROLE_ARN: MINIO_ROLE,
            AWS_ENDPOINT_URL_STS: endpoint,
          }
        : {
            AWS_ACCESS_KEY_ID_FILE: file('AccessKeyId'),
            AWS_SECRET_ACCESS_KEY_FILE: file('SecretAccessKey'),
            AWS_SESSION_TOKEN_FILE: file('SessionToken'),
          };
  }

  static async start(options: KeyAgentOptions): Promise<KeyAgent> {
    const agent = new KeyAgent(options);
    await mkdir(options.folder, { recursive: true });
    while (!(await agent.#renew())) await sleep(200);
    agent.#renewing = agent.#loop();
    return agent;
  }

  async #loop(): Promise<void> {
    const { signal } = this.#end;
    while (!signal.aborted) {
      const isRenewed = this.pauses === 0 && (await this.#renew());
      await sleep(isRenewed ? EVERY * 1000 : 200, undefined, { signal }).catch(() => {});
    }
  }

  /** @returns false if the server is unreachable */
  async #renew(): Promise<boolean> {
    const token = this.#issuer.token(LIFE);
    const files =
      this.#kind === 'identity' ? { token } : await assumeRole(this.#endpoint, token).catch(() => undefined);
    if (!files) return false;
    const [folder, link] = [join(this.#folder, `${this.#renewals}`), join(this.#folder, 'next')];
    await mkdir(folder);
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    await symlink(folder, link);
    await rename(link, join(this.#folder, 'now'));
    // A service may still be reading the previous folder.
    await rm(join(this.#folder, `${this.#renewals++ - 2}`), { recursive: true, force: true });
    return true;
  }

  async stop(): Promise<void> {
    this.#end.abort();
    await this.#renewing;
  }
}

export interface KeyAgentOptions {
  kind: 'identity' | 'files';
  issuer: IdentityIssuer;
  /** The endpoint of MinIO, which also serves STS requests */
  endpoint: string;
  /** A folder that only the agent uses */
  folder: string;
}

async function assumeRole(endpoint: string, token: string): Promise<Record<string, string>> {
  const body = new URLSearchParams({
    Action: 'AssumeRoleWithWebIdentity',
    Version: '2011-06-15',
    RoleArn: MINIO_ROLE,
    WebIdentityToken: token,
  });
  const answer = await fetch(endpoint, { method: 'POST', body, signal: AbortSignal.timeout(5000) });
  const text = await answer.text();
  const names = ['AccessKeyId', 'SecretAccessKey', 'SessionToken'];
  const found = names.map((name) => [name, new RegExp(`<${name}>([^<]+)<`).exec(text)?.[1]]);
  if (found.some(([, value]) => !value)) throw new Error(`STS did not return keys: status ${answer.status}`);
  return Object.fromEntries(found) as Record<string, string>;
}
