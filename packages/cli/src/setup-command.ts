import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EXIT } from './exit-codes.js';

/** The `scripts` folder of the checkout or of the installed package; both contain the same scripts. */
const SCRIPTS = fileURLToPath(new URL('../../../../scripts/', import.meta.url));

/** `cryfold setup`: installs what npm does not install. Keeps everything that is already there. */
export async function setupCommand({ variant, force }: { variant: string; force: boolean }): Promise<number> {
  const built = await runScript('build-tensorflow', ['--variant', variant, ...(force ? ['--force'] : [])]);
  const fetched = await runScript('fetch-valkey', []);
  return built && fetched ? EXIT.done : EXIT.failed;
}

/** Returns whether the script succeeded. The script itself reports what is missing. */
async function runScript(name: string, args: string[]): Promise<boolean> {
  const [code] = await once(spawn('bash', [join(SCRIPTS, name), ...args], { stdio: 'inherit' }), 'close');
  return code === 0;
}
