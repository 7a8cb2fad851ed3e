// Packs the cryfold command with all packages in this repository into a tarball. npm can install it without a checkout.
// Third-party packages come from the registry, in the versions in package-lock.json. The dependencies of these packages
// come in the newest versions that the packages allow.
//
// usage: tools/pack [--out FOLDER]     default: the working folder. Prints the path of the tarball.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT } from './paths.js';

interface Manifest {
  name: string;
  version: string;
  dependencies?: Record<string, string>;
  [member: string]: unknown;
}

/** The install script of this package would download an old TensorFlow. `cryfold setup` builds the current version. */
const BINDING = '@tensorflow/tfjs-node-gpu';
/** Packages that the binding needs at run time. npm does not install the dependencies of bundled packages. */
const BINDING_NEEDS = ['@mapbox/node-pre-gyp', '@tensorflow/tfjs', 'google-protobuf', 'progress'];
/** Packages that build-tensorflow expects next to the binding */
const HEADERS = 'node-api-headers';
const SCOPE = '@cryfold/';

const manifestOf = (folder: string): Manifest => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
const write = (folder: string, manifest: object): void =>
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
const locked: Record<string, { version: string }> = JSON.parse(
  readFileSync(join(ROOT, 'package-lock.json'), 'utf8'),
).packages;

/** Returns the packages of this repository that a package needs directly or indirectly, as folders in packages/. */
function packagesOf(name: string, found = new Map<string, Manifest>()): Map<string, Manifest> {
  if (found.has(name)) return found;
  const manifest = manifestOf(join(ROOT, 'packages', name));
  found.set(name, manifest);
  for (const one of Object.keys(manifest.dependencies ?? {})) {
    if (one.startsWith(SCOPE)) packagesOf(one.slice(SCOPE.length), found);
  }
  return found;
}

/** Returns the files of a package for the tarball: code, types, and everything else that its manifest lists. */
function copyPackage(name: string, to: string): void {
  const from = join(ROOT, 'packages', name);
  mkdirSync(to, { recursive: true });
  for (const part of ['package.json', 'README.md', 'bin', 'page', join('dist', 'src')]) {
    const filter = (path: string) => !path.endsWith('.map');
    try {
      cpSync(join(from, part), join(to, part), { recursive: true, filter });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
}

function stage(folder: string): void {
  const ours = packagesOf('cli');
  const cli = manifestOf(join(ROOT, 'packages', 'cli'));
  const dependencies: Record<string, string> = {};
  for (const [name, manifest] of ours) {
    copyPackage(name, join(folder, ...(name === 'cli' ? ['packages', 'cli'] : ['node_modules', '@cryfold', name])));
    for (const one of Object.keys(manifest.dependencies ?? {})) {
      const version = (locked[`packages/${name}/node_modules/${one}`] ?? locked[`node_modules/${one}`])?.version;
      dependencies[one] = one.startsWith(SCOPE) ? cli.version : version;
    }
  }
  // The tarball has its own README.
  rmSync(join(folder, 'packages', 'cli', 'package.json'));
  // The command finds these files relative to packages/cli, as in a checkout.
  for (const part of ['LICENSE', 'README.md', 'docs', 'specs', 'examples']) {
    cpSync(join(ROOT, part), join(folder, part), { recursive: true });
  }
  for (const part of ['build-tensorflow', 'fetch-valkey', 'tensorflow', join('python', 'valkey.txt')]) {
    cpSync(join(ROOT, 'scripts', part), join(folder, 'scripts', part), { recursive: true });
  }
  for (const one of BINDING_NEEDS) dependencies[one] = locked[`node_modules/${one}`].version;
  const {
    scripts: _,
    devDependencies: __,
    dependencies: ___,
    ...binding
  } = manifestOf(join(ROOT, 'node_modules', BINDING));
  const target = join(folder, 'node_modules', BINDING);
  for (const part of ['dist', 'binding', 'README.md']) {
    cpSync(join(ROOT, 'node_modules', BINDING, part), join(target, part), { recursive: true });
  }
  const needs = Object.fromEntries(BINDING_NEEDS.map((one) => [one, dependencies[one]]));
  write(target, { ...binding, dependencies: needs, gypfile: false });
  cpSync(join(ROOT, 'node_modules', HEADERS), join(folder, 'node_modules', HEADERS), { recursive: true });
  write(folder, {
    ...{ name: cli.name, version: cli.version, description: cli.description, license: cli.license, type: 'module' },
    ...{ engines: { node: '>=20.10' }, bin: { cryfold: 'packages/cli/bin/cryfold.js' } },
    exports: { '.': { types: './packages/cli/dist/src/index.d.ts', default: './packages/cli/dist/src/index.js' } },
    dependencies: Object.fromEntries(Object.entries(dependencies).sort()),
    bundleDependencies: [
      ...[...ours.keys()].filter((name) => name !== 'cli').map((name) => SCOPE + name),
      BINDING,
      HEADERS,
    ],
  });
}

const { values } = parseArgs({ options: { out: { type: 'string', default: '.' } } });
const out = resolve(values.out);
mkdirSync(out, { recursive: true });
const staging = mkdtempSync(join(tmpdir(), 'cryfold-pack-'));
try {
  stage(staging);
  const args = ['pack', '--silent', '--ignore-scripts', '--pack-destination', out];
  console.log(join(out, execFileSync('npm', args, { cwd: staging, encoding: 'utf8' }).trim()));
} finally {
  rmSync(staging, { recursive: true, force: true });
}
