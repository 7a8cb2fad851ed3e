import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { synthesizeCorpus } from '@cryfold/corpus';
import { descendants, logLines, ownStore, start, TINY_SPEC, temporaryFolder, until } from './command.js';
import { withoutRedis } from './testbed.js';

const skip = withoutRedis || (process.platform !== 'linux' && 'only Linux shows which files a process has mapped');

/** Returns a command's descendants in two groups: those that have loaded TensorFlow's library, and all others. */
async function byTensorFlow(pid: number): Promise<{ loaded: string[]; free: string[] }> {
  const found = { loaded: [] as string[], free: [] as string[] };
  for (const { pid: own, command } of descendants(pid)) {
    const maps = await readFile(`/proc/${own}/maps`, 'utf8').catch(() => undefined);
    if (maps !== undefined) (maps.includes('libtensorflow') ? found.loaded : found.free).push(command);
  }
  return found;
}

/** Runs some estimators of the tiny spec, and groups the run's processes once a fold is committed. */
async function processesOf(folder: string, estimators: string): Promise<{ loaded: string[]; free: string[] }> {
  const out = join(folder, estimators);
  const args = ['--data', join(folder, 'corpus'), ...ownStore(out), '--estimators', estimators, '--repeats', '60'];
  const running = start(['run', join(folder, 'tiny.yaml'), ...args, '--workers', '1']);
  try {
    const ended = running.ended.then(({ stderr }) => assert.fail(`the run exited too early: ${stderr}`));
    const committed = until('a committed fold', async () =>
      (await logLines(out)).some(({ msg }) => msg === 'fold committed'),
    );
    await Promise.race([committed, ended]);
    return await byTensorFlow(running.process.pid ?? 0);
  } finally {
    running.process.kill('SIGTERM');
    await running.ended;
  }
}

test('only a process that trains networks loads TensorFlow', { skip }, async (t) => {
  const folder = await temporaryFolder();
  t.after(folder.remove);
  await writeFile(join(folder.path, 'tiny.yaml'), TINY_SPEC);
  await synthesizeCorpus(join(folder.path, 'corpus'), { clips: 60, seed: 1 });

  const svm = await processesOf(folder.path, 'svm');
  assert.deepEqual(svm.loaded, []);
  for (const role of [' coordinator', ' aggregator', ' worker ', 'training-child.js']) {
    assert.ok(
      svm.free.some((command) => command.includes(role)),
      `${role} was inspected`,
    );
  }

  const networks = await processesOf(folder.path, 'small-cnn');
  assert.equal(networks.loaded.length, 1, networks.loaded.join('\n'));
  assert.match(networks.loaded[0], /training-child\.js/);
});
