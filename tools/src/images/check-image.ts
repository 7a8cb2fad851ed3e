import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '@cryfold/testing';
import { lastOf, parseCommand } from './dockerfile.js';
import type { ScratchBuild } from './scratch-build.js';

export const IMAGES = ['control', 'cpu-worker', 'gpu-worker'] as const;
export type Image = (typeof IMAGES)[number];

const ROLES: Record<Image, string[]> = {
  control: ['coordinator'],
  'cpu-worker': ['worker', '--queues', 'cpu'],
  'gpu-worker': ['worker', '--queues', 'gpu'],
};

/** Starts the program of a built image and inspects its files. @throws Error that describes the problem */
export async function checkImage(built: ScratchBuild, name: Image): Promise<void> {
  const app = built.place(name, '/app');
  const [entry] = parseCommand(lastOf(built.stages, name, 'ENTRYPOINT'));
  // This path is the same as in the container, apart from /app, which is a link here.
  const main = join(app, 'packages/cli/bin', `${entry}.js`);
  const env = built.environment(name);
  const version = execFileSync(process.execPath, [main, '--version'], { env, encoding: 'utf8' }).trim();
  const used = execFileSync('du', ['-sm', '--apparent-size', built.place(name, '')], { encoding: 'utf8' });
  const sbom = JSON.parse(readFileSync(join(app, 'sbom.cdx.json'), 'utf8')) as { components: unknown[] };
  await checkHealth(built, name, main);
  const tensorflow = existsSync(join(app, 'node_modules/@tensorflow'));
  if (tensorflow !== (name === 'gpu-worker'))
    throw new Error(`${name}: TensorFlow is ${tensorflow ? '' : 'not '}in the image`);
  console.log(
    `check-images: ${name}: version ${version}, ${used.split('\t')[0]} MB in addition to its base, ` +
      `${sbom.components.length} packages in its SBOM, ${ROLES[name].join(' ')} starts and is healthy`,
  );
}

/**
 * Tests the health check of a service that waits for an unreachable Redis. The check must pass while the service is
 * alive, and fail after the service has exited.
 */
async function checkHealth(built: ScratchBuild, name: Image, main: string): Promise<void> {
  const env = {
    ...built.environment(name),
    REDIS_URL: 'redis://127.0.0.1:1',
    CRYFOLD_STORE: `file:${join(built.scratch, 'store')}`,
    CRYFOLD_METRICS_PORT: String(await freePort()),
  };
  const role = ROLES[name];
  const value = lastOf(built.stages, name, 'HEALTHCHECK');
  const [, ...health] = parseCommand(value.slice(value.indexOf('CMD') + 4));
  const healthCheck = () => spawnSync(process.execPath, health, { env, stdio: 'ignore' }).status === 0;
  const child = spawn(process.execPath, [main, ...role], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  let healthy = false;
  for (let tries = 0; tries < 60 && !healthy && child.exitCode === null; tries++) {
    await sleep(500);
    healthy = healthCheck();
  }
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  if (child.exitCode === null) await ended;
  if (!healthy) throw new Error(`${name}: ${role.join(' ')} did not become healthy`);
  if (healthCheck()) throw new Error(`${name}: the health check passes although nothing is running`);
}
