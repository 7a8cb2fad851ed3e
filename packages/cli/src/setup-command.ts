import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EXIT } from './exit-codes.js';

/** Of a checkout, or of the installed package, which holds the same scripts. */
const SCRIPTS = fileURLToPath(new URL('../../../../scripts/', import.meta.url));

/** `cryfold setup`: what npm does not install. What is there already is kept. */
export async function setupCommand({ variant, force }: { variant: string; force: boolean }): Promise<number> {
  const built = await runScript('build-tensorflow', ['--variant', variant, ...(force ? ['--force'] : [])]);
  const fetched = await runScript('fetch-valkey', []);
  return built && fetched ? EXIT.done : EXIT.failed;
}

/** Whether the script succeeded; it says itself what is missing. */
async function runScript(name: string, args: string[]): Promise<boolean> {
  const [code] = await once(spawn('bash', [join(SCRIPTS, name), ...args], { stdio: 'inherit' }), 'close');
  return code === 0;
}
