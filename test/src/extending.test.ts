import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cp, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { synthesizeCorpus } from '@cryfold/corpus';
import { decodeResults } from '@cryfold/evaluation';
import { ownStore, ROOT, temporaryFolder } from './command.js';
import { withoutRedis } from './testbed.js';

/** Returns the diffs and specs in docs/extending.md. */
async function blocksOf(language: string): Promise<string[]> {
  const page = await readFile(join(ROOT, 'docs', 'extending.md'), 'utf8');
  return [...page.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].flatMap(([, kind, text]) =>
    kind === language ? [text] : [],
  );
}

/** Copies the built packages, and links to the third-party packages of this checkout. */
async function copyTo(folder: string): Promise<void> {
  await mkdir(join(folder, 'node_modules', '@cryfold'), { recursive: true });
  for (const file of ['package.json', 'tsconfig.json', 'tsconfig.base.json'])
    await cp(join(ROOT, file), join(folder, file));
  const options = { recursive: true, verbatimSymlinks: true, preserveTimestamps: true };
  await cp(join(ROOT, 'packages'), join(folder, 'packages'), options);
  for (const entry of await readdir(join(ROOT, 'node_modules'))) {
    if (entry === '@cryfold') continue;
    await symlink(join(ROOT, 'node_modules', entry), join(folder, 'node_modules', entry));
  }
  for (const name of await readdir(join(folder, 'packages'))) {
    await symlink(join('..', '..', 'packages', name), join(folder, 'node_modules', '@cryfold', name));
  }
}

test('the diffs in docs/extending.md add an estimator and a feature set that cryfold run evaluates', {
  skip: withoutRedis,
}, async (t) => {
  const folder = await temporaryFolder();
  t.after(folder.remove);
  const copy = join(folder.path, 'copy');
  await copyTo(copy);
  for (const diff of await blocksOf('diff')) execFileSync('git', ['apply', '-'], { cwd: copy, input: diff });
  execFileSync(join(ROOT, 'node_modules', '.bin', 'tsc'), ['-b', 'packages/cli'], { cwd: copy, stdio: 'pipe' });

  const [spec] = await blocksOf('yaml');
  await writeFile(join(folder.path, 'toy.yaml'), spec);
  await synthesizeCorpus(join(folder.path, 'corpus'), { clips: 60, seed: 1 });
  const { REDIS_URL: _redis, CRYFOLD_STORE: _store, ...env } = process.env;
  const cryfold = join(copy, 'packages', 'cli', 'bin', 'cryfold.js');
  const args = ['run', 'toy.yaml', '--data', 'corpus', ...ownStore('out')];
  execFileSync(process.execPath, [cryfold, ...args], { cwd: folder.path, env, stdio: 'pipe' });

  const file = join(folder.path, 'out', 'results.json');
  const { models, status } = decodeResults(new Uint8Array(await readFile(file)), file);
  assert.equal(status, 'complete');
  assert.deepEqual(
    models.map(({ name, method, complete }) => [name, method, complete]),
    [
      ['svm', 'svm', true],
      ['centroid', 'nearest-centroid', true],
      ['both', 'mean', true],
    ],
  );
  // A model that guesses would be right for one clip in five.
  assert.ok((models[1].accuracy?.mean ?? 0) > 0.25);
});

test('the architecture diff in docs/extending.md produces ResNet34', async () => {
  const patches = await blocksOf('patch');
  assert.equal(patches.length, 2);
  for (const patch of patches) execFileSync('git', ['apply', '--reverse', '--check', '-'], { cwd: ROOT, input: patch });
});
