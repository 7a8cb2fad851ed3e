// Runs in an image, with --experimental-import-meta-resolve. Imports every package or file of a package that the
// image's code refers to, and all modules of cryfold's packages, in order to find missing exports.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const packages = '/app/packages';
const tensorflow = existsSync('/app/node_modules/@tensorflow');
const failures = [];
let imported = 0;
for (const name of readdirSync(packages)) {
  const named = new Set();
  if (!existsSync(join(packages, name, 'dist'))) continue;
  for (const file of readdirSync(join(packages, name, 'dist'), { recursive: true })) {
    if (!file.endsWith('.js')) continue;
    const text = readFileSync(join(packages, name, 'dist', file), 'utf8');
    for (const [, , specifier] of text.matchAll(
      /(\bfrom |\bimport\(|\bimport |\brequire\()['"]([^.'"][^'"\s]*)['"]/g,
    )) {
      if (!/^(node:|@cryfold\/|\$)/.test(specifier)) named.add(specifier);
    }
  }
  for (const entry of Object.values(exportsOf(name))) {
    if (!tensorflow && /tensorflow/.test(entry)) continue;
    try {
      await import(pathToFileURL(join(packages, name, entry)).href);
      imported++;
    } catch (error) {
      if (tensorflow || !/@tensorflow/.test(error.message))
        failures.push(`${name}/${entry}: ${error.message.split('\n')[0]}`);
    }
  }
  // Resolved from the package, since versions may differ between packages.
  const parent = pathToFileURL(join(packages, name, 'package.json')).href;
  for (const specifier of named) {
    if (!tensorflow && specifier.startsWith('@tensorflow/')) continue;
    try {
      await import(import.meta.resolve(specifier, parent));
      imported++;
    } catch (error) {
      failures.push(`${name}: ${specifier}: ${error.message.split('\n')[0]}`);
    }
  }
}
/** Returns the modules that a package exports, except test helpers, which images do not contain. */
function exportsOf(name) {
  const { exports = {} } = JSON.parse(readFileSync(join(packages, name, 'package.json'), 'utf8'));
  const files = Object.values(typeof exports === 'string' ? { '.': exports } : exports);
  return files
    .map((file) => (typeof file === 'string' ? file : (file.import ?? file.default)))
    .filter((file) => file?.endsWith('.js') && !file.includes('/dist/test/'));
}

for (const failure of failures) console.error(failure);
console.log(`${imported} imports`);
process.exit(failures.length === 0 && imported > 20 ? 0 : 1);
