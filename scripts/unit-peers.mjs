// @ts-check
// The programs and data on this machine that unit tests use; tests skip the checks whose program or data is missing.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const { CRYFOLD_CACHE, CRYFOLD_TOOLS, PATH = '', PYTHONPATH, XDG_CACHE_HOME } = process.env;
const cache = CRYFOLD_CACHE ?? join(XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'cryfold');
const root = fileURLToPath(new URL('..', import.meta.url));
const TOOLS = [
  'chromium',
  'google-chrome',
  'minio',
  'openssl',
  'python3',
  'redis-server',
  'sox',
  'valkey-server',
  'versitygw',
];

/** Returns the folder of numpy and scikit-learn that scripts/test has fetched for this Python, if it exists. */
export function oracle() {
  if (!existsSync(cache) || !readdirSync(cache).some((name) => name.startsWith('oracle-'))) return undefined;
  try {
    const version = ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])'];
    const folder = join(cache, `oracle-${execFileSync('python3', version, { encoding: 'utf8' }).trim()}`);
    return existsSync(folder) ? folder : undefined;
  } catch {
    // Without Python, the tests that call it are skipped.
    return undefined;
  }
}

/**
 * Returns a part of turbo's cache key for test:unit. Results are not reused on another system, or after a peer was
 * installed or removed.
 */
export function unitPeers() {
  const folders = [...PATH.split(delimiter), join(cache, 'tools'), ...(CRYFOLD_TOOLS ? [CRYFOLD_TOOLS] : [])];
  const packed = `${process.platform === 'darwin' ? 'macos' : process.platform}-${process.arch}`;
  const found = TOOLS.filter((name) =>
    folders.some(
      (folder) => folder && (existsSync(join(folder, name)) || existsSync(join(folder, packed, `${name}.gz`))),
    ),
  );
  const data = join(root, '..', 'shared', 'data');
  return JSON.stringify({
    node: process.version,
    system: [process.platform, process.arch, process.getuid?.() === 0],
    tools: found,
    oracle: oracle() ?? null,
    pythonPath: PYTHONPATH ?? null,
    tensorFlow: existsSync(join(root, 'node_modules/@tensorflow/tfjs-node-gpu/lib')),
    data: existsSync(data) ? readdirSync(data).sort() : [],
  });
}
