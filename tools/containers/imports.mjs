// Run within an image, with --experimental-import-meta-resolve: imports each package, or file of one, that our code there
// names.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const packages = '/app/packages';
const tensorflow = existsSync('/app/node_modules/@tensorflow');
const failures = [];
let imported = 0;
for (const name of readdirSync(packages)) {
  const named = new Set();
  for (const file of readdirSync(join(packages, name, 'dist'), { recursive: true })) {
    if (!file.endsWith('.js')) continue;
    const text = readFileSync(join(packages, name, 'dist', file), 'utf8');
    for (const [, , specifier] of text.matchAll(
      /(\bfrom |\bimport\(|\bimport |\brequire\()['"]([^.'"][^'"\s]*)['"]/g,
    )) {
      if (!/^(node:|@cryfold\/|\$)/.test(specifier)) named.add(specifier);
    }
  }
  // Resolved as from the package: versions may differ between packages.
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
for (const failure of failures) console.error(failure);
console.log(`${imported} imports`);
process.exit(failures.length === 0 && imported > 20 ? 0 : 1);
