import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { TcpProxy } from './tcp-proxy.js';

/** S3 servers that support `If-None-Match: *`, the preferred one first. */
export const S3_TOOLS = ['minio', 'versitygw'] as const;
export type S3Tool = (typeof S3_TOOLS)[number];

export interface S3ServerOptions {
  tool: S3Tool;
  /** Path of the server's program, as found by findTool */
  program: string;
  /** PEM files of a certificate and its key; if given, the server accepts only TLS */
  tls?: { certificate: string; key: string };
  /** If given, the server also accepts the host name `BUCKET.domain` */
  domain?: string;
  /** Additional environment variables */
  environment?: Record<string, string>;
}

const BUCKET = 'cryfold-test';

/**
 * Returns a free TCP port of this machine. Another process could take the port before it is used, but in practice this
 * does not happen.
 */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A real S3 server on 127.0.0.1, with a bucket, random credentials, and its data in a temporary folder. */
export class S3Server {
  readonly bucket = BUCKET;
  readonly accessKey = `test${randomBytes(6).toString('hex')}`;
  readonly secretKey = randomBytes(16).toString('hex');
  readonly region = 'us-east-1';
  readonly tool: S3Tool;
  readonly port: number;
  readonly endpoint: string;
  readonly folder: string;
  readonly #options: S3ServerOptions;
  #process: ChildProcess | undefined;

  private constructor(options: S3ServerOptions, folder: string, port: number) {
    this.#options = options;
    this.tool = options.tool;
    this.folder = folder;
    this.port = port;
    this.endpoint = `${options.tls ? 'https' : 'http'}://${options.domain ?? '127.0.0.1'}:${port}`;
  }

  static async start(options: S3ServerOptions): Promise<S3Server> {
    const folder = await mkdtemp(join(tmpdir(), 'cryfold-s3-'));
    const server = new S3Server(options, folder, await freePort());
    // Both servers treat a folder in their data as a bucket.
    await mkdir(join(folder, 'data', BUCKET), { recursive: true });
    if (options.tls) {
      await mkdir(join(folder, 'certs'));
      await copyFile(options.tls.certificate, join(folder, 'certs', 'public.crt'));
      await copyFile(options.tls.key, join(folder, 'certs', 'private.key'));
    }
    await server.restart();
    return server;
  }

  /** Returns the environment variables that a process needs to open the bucket. */
  environment(prefix = ''): Record<string, string> {
    return {
      CRYFOLD_STORE: `s3://${BUCKET}${prefix && `/${prefix}`}`,
      CRYFOLD_S3_ENDPOINT: this.endpoint,
      AWS_REGION: this.region,
      AWS_ACCESS_KEY_ID: this.accessKey,
      AWS_SECRET_ACCESS_KEY: this.secretKey,
    };
  }

  get pid(): number {
    return this.#process?.pid ?? -1;
  }

  /** Starts the server again after kill(), with the same data. */
  async restart(): Promise<void> {
    const { tool, program, tls, domain, environment: more } = this.#options;
    const address = `127.0.0.1:${this.port}`;
    const data = join(this.folder, 'data');
    const certs = join(this.folder, 'certs');
    const [args, environment] =
      tool === 'minio'
        ? [
            ['server', data, '--address', address, '--quiet', ...(tls ? ['--certs-dir', certs] : [])],
            {
              MINIO_ROOT_USER: this.accessKey,
              MINIO_ROOT_PASSWORD: this.secretKey,
              MINIO_BROWSER: 'off',
              ...(domain ? { MINIO_DOMAIN: domain } : {}),
            },
          ]
        : [
            [
              ...['--port', address, '--quiet', '--region', this.region],
              ...(tls ? ['--cert', join(certs, 'public.crt'), '--key', join(certs, 'private.key')] : []),
              ...(domain ? ['--virtual-domain', `${domain}:${this.port}`] : []),
              'posix',
              data,
            ],
            { ROOT_ACCESS_KEY: this.accessKey, ROOT_SECRET_KEY: this.secretKey },
          ];
    const child = spawn(program, args as string[], {
      env: { PATH: process.env.PATH, HOME: this.folder, ...environment, ...more } as NodeJS.ProcessEnv,
      stdio: 'ignore',
    });
    this.#process = child;
    for (let waited = 0; ; waited += 100) {
      if (child.exitCode !== null) throw new Error(`${tool} exited with code ${child.exitCode}`);
      // MinIO accepts connections before it can serve requests. Once it responds with a status below 500, it is ready.
      if (await TcpProxy.answers(this.port, tls !== undefined)) return;
      if (waited > 20_000) throw new Error(`${tool} does not respond`);
      await sleep(100);
    }
  }

  /** Kills the server immediately, which simulates a crash. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }

  async stop(): Promise<void> {
    await this.kill();
    await rm(this.folder, { recursive: true, force: true });
  }
}
