import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../paths.js';

/** Which packages each package imports, according to its package.json. The linter rejects all other imports. */
function importsOfPackages(): Map<string, string[]> {
  const folder = join(ROOT, 'packages');
  // Ignores folders of packages from older versions, which only contain build output
  const names = readdirSync(folder)
    .filter((name) => existsSync(join(folder, name, 'package.json')))
    .sort();
  return new Map(
    names.map((name) => {
      const { dependencies = {} } = JSON.parse(readFileSync(join(folder, name, 'package.json'), 'utf8'));
      const ours = Object.keys(dependencies).filter((one) => one.startsWith('@cryfold/'));
      return [name, ours.map((one) => one.slice('@cryfold/'.length))];
    }),
  );
}

/** Everything that a package imports, directly or indirectly. */
function reachable(graph: ReadonlyMap<string, readonly string[]>, from: string): Set<string> {
  const seen = new Set<string>();
  const visit = (name: string) => {
    for (const next of graph.get(name) ?? []) {
      if (seen.has(next)) continue;
      seen.add(next);
      visit(next);
    }
  };
  visit(from);
  return seen;
}

/** Returns the imports as a Mermaid diagram, without those that are implied by others. */
export function packageDiagram(): string {
  const graph = importsOfPackages();
  const lines = [...graph].flatMap(([name, imports]) => {
    const implied = new Set(imports.flatMap((one) => [...reachable(graph, one)]));
    return imports.filter((one) => !implied.has(one)).map((one) => `  ${name} --> ${one}`);
  });
  return ['```mermaid', 'graph TD', ...lines, '```'].join('\n');
}
