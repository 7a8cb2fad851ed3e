// See scripts/check-images.

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { effective, parseCommand, parseDockerfile, parsePairs } from './dockerfile.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const IMAGES = ['control', 'cpu-worker', 'gpu-worker'];

let variant = 'cpu';
let keep = false;
const wanted = [];
for (let args = process.argv.slice(2); args.length > 0; ) {
  const argument = args.shift();
  if (argument === '--variant') variant = args.shift();
  else if (argument === '--keep') keep = true;
  else if (IMAGES.includes(argument)) wanted.push(argument);
  else {
    console.error(`check-images: unknown argument ${argument}`);
    process.exit(2);
  }
}
if (wanted.length === 0) wanted.push(...IMAGES);

const { stages } = parseDockerfile(readFileSync(join(root, 'infra', 'Dockerfile'), 'utf8'));
const scratch = mkdtempSync(join(tmpdir(), 'cryfold-images-'));
const skipped = [];
// Those of the machine: /usr/local/bin may hold its node.
const PATH = process.env.PATH;

const place = (stage, path) => join(scratch, stage, path);
const mapped = (stage, text) =>
  text.replaceAll(/(?<![\w./-])\/(var\/cache\/cryfold|usr\/local\/bin|opt\/cryfold|app)(?![\w-])/g, (path) =>
    place(stage, path),
  );

/** The files of the working tree that .dockerignore lets through. */
function context() {
  const lines = readFileSync(join(root, 'infra', 'Dockerfile.dockerignore'), 'utf8')
    .split('\n')
    .filter((line) => line && !line.startsWith('#'));
  const allowed = lines.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  });
  return listed
    .split('\0')
    .filter(
      (file) => allowed.some((one) => file === one || file.startsWith(`${one}/`)) && existsSync(join(root, file)),
    );
}

const environments = new Map();
function run(stage, value, cwd) {
  const env = environments.get(stage);
  if (/^(apt-get|groupadd)\b/.test(value)) return skipped.push(`${stage}: ${value}`);
  const owned = value.replace(/ && chown .*$/, '');
  if (owned !== value) skipped.push(`${stage}: ${value.slice(owned.length + 4)}`);
  console.log(`check-images: ${stage}: ${owned}`);
  const started = Date.now();
  const { status } = spawnSync('/bin/bash', ['-o', 'pipefail', '-c', mapped(stage, owned)], {
    cwd,
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (status !== 0) throw new Error(`${stage}: RUN ${value}: exit code ${status}`);
  console.log(`check-images:   ${((Date.now() - started) / 1000).toFixed(1)} s`);
}

function build(name) {
  if (environments.has(name)) return;
  const stage = stages.find((one) => one.name === name);
  const parent = stages.find((one) => one.name === stage.from);
  let env = { PATH, HOME: process.env.HOME, LANG: 'C.UTF-8' };
  for (const variable of [
    'npm_config_registry',
    'PIP_INDEX_URL',
    'HTTPS_PROXY',
    'https_proxy',
    'NO_PROXY',
    'no_proxy',
    'PIP_CERT',
    'NODE_EXTRA_CA_CERTS',
    'SSL_CERT_FILE',
  ]) {
    if (process.env[variable] !== undefined) env[variable] = process.env[variable];
  }
  mkdirSync(join(scratch, name), { recursive: true });
  let cwd = '/';
  if (parent) {
    build(parent.name);
    env = { ...environments.get(parent.name) };
    cwd = env.CRYFOLD_CHECK_WORKDIR;
    // Links instead of copies; steps replace files and do not write into them.
    execFileSync('cp', ['-al', `${join(scratch, parent.name)}/.`, join(scratch, name)]);
  }
  environments.set(name, env);
  for (const { instruction, value } of stage.instructions) {
    if (instruction === 'WORKDIR') {
      cwd = value;
      mkdirSync(place(name, cwd), { recursive: true });
    } else if (instruction === 'ENV' || instruction === 'ARG') {
      for (const [key, text] of parsePairs(value)) env[key] = mapped(name, text ?? '');
      if (env.TENSORFLOW_VARIANT) env.TENSORFLOW_VARIANT = variant;
    } else if (instruction === 'COPY' && value === '. .') {
      for (const file of context()) cpSync(join(root, file), join(place(name, cwd), file), { recursive: true });
    } else if (instruction === 'COPY') {
      const [, from, source, target] = /^--from=(\S+) (\S+) (\S+)$/.exec(value);
      build(from);
      mkdirSync(dirname(place(name, target)), { recursive: true });
      execFileSync('cp', ['-al', place(from, source), place(name, target)]);
    } else if (instruction === 'RUN') run(name, value, place(name, cwd));
  }
  env.CRYFOLD_CHECK_WORKDIR = cwd;
}

/** Starts the image's program with these arguments, and waits for what it says. */
function program(name, args) {
  const [entry] = parseCommand(
    effective(stages, name).findLast(({ instruction }) => instruction === 'ENTRYPOINT').value,
  );
  // As the container would find it, but for /app, which the link names.
  const main = join(place(name, '/app'), 'packages/cli/bin', `${entry}.js`);
  return { main, args, env: environments.get(name) };
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return String(port);
}

async function check(name) {
  const { main, env } = program(name, []);
  const version = execFileSync(process.execPath, [main, '--version'], { env, encoding: 'utf8' }).trim();
  const size = execFileSync('du', ['-sm', '--apparent-size', join(scratch, name)], { encoding: 'utf8' }).split('\t')[0];
  const sbom = JSON.parse(readFileSync(join(place(name, '/app'), 'sbom.cdx.json'), 'utf8'));
  const role = {
    control: ['coordinator'],
    'cpu-worker': ['worker', '--queues', 'cpu'],
    'gpu-worker': ['worker', '--queues', 'gpu'],
  }[name];
  // A service that waits for a Redis that is away is alive: its health check must say so.
  const port = await freePort();
  const surroundings = {
    ...env,
    REDIS_URL: 'redis://127.0.0.1:1',
    CRYFOLD_STORE: `file:${join(scratch, 'store')}`,
    CRYFOLD_METRICS_PORT: port,
  };
  const child = spawn(process.execPath, [main, ...role], { env: surroundings, stdio: ['ignore', 'ignore', 'inherit'] });
  const { value } = effective(stages, name).findLast(({ instruction }) => instruction === 'HEALTHCHECK');
  const [, ...health] = parseCommand(value.slice(value.indexOf('CMD') + 4));
  let healthy = false;
  for (let tries = 0; tries < 60 && !healthy && child.exitCode === null; tries++) {
    await sleep(500);
    healthy = spawnSync(process.execPath, health, { env: surroundings, stdio: 'ignore' }).status === 0;
  }
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  if (child.exitCode === null) await ended;
  if (!healthy) throw new Error(`${name}: ${role.join(' ')} did not get healthy`);
  const gone = spawnSync(process.execPath, health, { env: surroundings, stdio: 'ignore' }).status;
  if (gone === 0) throw new Error(`${name}: the health check passes where nothing runs`);
  const tensorflow = existsSync(join(place(name, '/app'), 'node_modules/@tensorflow'));
  if (tensorflow !== (name === 'gpu-worker'))
    throw new Error(`${name}: TensorFlow is ${tensorflow ? '' : 'not '}in it`);
  console.log(
    `check-images: ${name}: version ${version}, ${size} MB beside its base, ${sbom.components.length} packages in its SBOM, ${role.join(' ')} starts and is healthy`,
  );
}

try {
  for (const name of wanted) {
    build(name);
    await check(name);
  }
  for (const what of skipped) console.log(`check-images: not run: ${what}`);
  console.log(`check-images: ${wanted.length} images, every other step was run`);
} finally {
  if (keep) console.log(`check-images: kept in ${scratch}`);
  else rmSync(scratch, { recursive: true, force: true });
}
