import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';
import { packageFolders } from '@cryfold/integration-tests/command';
import { parseSpec } from '@cryfold/plan';
import { ROOT } from '../src/paths.js';
import { packageDiagram } from '../src/reference/packages.js';

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const pages = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '*.md'], { cwd: ROOT, encoding: 'utf8' })
  .split('\n')
  .filter((path) => path !== '' && existsSync(join(ROOT, path)));
const prose = (path: string) => read(path).replaceAll(/^```[\s\S]*?^```$/gm, '');

/** Returns GitHub's anchor for a heading. */
function anchorsOf(path: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading] of prose(path).matchAll(/^#{1,6} (.+)$/gm)) {
    const plain = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const anchor = plain.replaceAll(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(' ', '-');
    let unique = anchor;
    for (let i = 1; anchors.has(unique); i++) unique = `${anchor}-${i}`;
    anchors.add(unique);
  }
  return anchors;
}

/** Returns the broken relative links of a page. */
function brokenLinks(page: string): string[] {
  const links = [...prose(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link);
  return links.filter((link) => {
    if (/^[a-z]+:/.test(link)) return false;
    const [path, anchor] = link.split('#');
    const target = path === '' ? join(ROOT, page) : resolve(ROOT, dirname(page), path);
    if (!existsSync(target)) return true;
    return anchor !== undefined && !(target.endsWith('.md') && anchorsOf(relative(ROOT, target)).has(anchor));
  });
}

test('every relative link on a page leads to an existing file and heading', () => {
  assert.ok(pages.length > 60);
  for (const page of pages) assert.deepEqual(brokenLinks(page), [], page);
});

test('docs/README.md lists every page of docs', () => {
  const index = read('docs/README.md');
  for (const page of pages.filter((path) => /^docs\/[^/]+\.md$/.test(path) && path !== 'docs/README.md')) {
    assert.ok(index.includes(`](${page.slice('docs/'.length)})`), page);
  }
});

test('every complete spec on a page is valid', () => {
  const specs = pages.flatMap((page) =>
    [...read(page).matchAll(/^```yaml\n([\s\S]*?)^```$/gm)]
      .map(([, text]) => ({ page, text }))
      // extending.md shows kinds that are not built in. extending.test.ts runs the spec on that page.
      .filter(({ text }) => /^version: 1$/m.test(text) && page !== 'docs/extending.md'),
  );
  assert.ok(specs.length >= 2);
  for (const { page, text } of specs) parseSpec(text, page);
});

test('the diagram in docs/architecture.md shows the imports of all packages', () => {
  assert.ok(read('docs/architecture.md').includes(packageDiagram()), 'run tools/architecture-doc');
});

test('the pictures in the README are below 300 kB each', () => {
  for (const [, path] of read('README.md').matchAll(/!\[[^\]]*\]\(([^)]+)\)/g)) {
    assert.ok(statSync(join(ROOT, path)).size < 300_000, path);
  }
});

/** Returns which packages of this repository use each third-party package, in the format of docs/dependencies.md. */
function usersOf(field: 'dependencies' | 'devDependencies', folders: readonly string[]): Map<string, string[]> {
  const users = new Map<string, string[]>();
  for (const folder of folders) {
    const user = folder === '.' ? 'workspace' : folder.replace('packages/', '');
    for (const one of Object.keys(JSON.parse(read(`${folder}/package.json`))[field] ?? {})) {
      if (!/^(@cryfold\/|cryfold$)/.test(one)) users.set(one, [...(users.get(one) ?? []), user]);
    }
  }
  return users;
}

test('docs/dependencies.md lists exactly the required packages and their users', async () => {
  const packages = (await packageFolders()).sort().map((name) => `packages/${name}`);
  const runtime = usersOf('dependencies', packages);
  const development = usersOf('devDependencies', ['.', 'infra/grafana', ...packages, 'test', 'tools']);
  for (const name of runtime.keys()) development.delete(name);
  const sections = read('docs/dependencies.md').split(/^## /m).slice(1);
  for (const [i, users] of [runtime, development].entries()) {
    const rows = [...sections[i].matchAll(/^\| `([^`]+)` \| ([^|]+) \| ([^|]{10,}) \|$/gm)];
    assert.deepEqual(
      rows.map(([, name, by]) => `${name}: ${by}`).sort(),
      [...users].map(([name, by]) => `${name}: ${by.join(', ')}`).sort(),
    );
  }
});
