import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { symlink, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { after, before, test } from 'node:test';
import { ROOT, temporaryFolder } from './command.js';

interface Task {
  taskId: string;
  hash: string;
  inputs: Record<string, string>;
}

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let programs: string;

/**
 * Creates a folder that, apart from turbo's own, will be the only one in PATH. It contains Node, which turbo needs, and
 * whatever a test adds.
 */
before(async () => {
  folder = await temporaryFolder();
  programs = folder.path;
  await symlink(process.execPath, join(programs, 'node'));
});
after(() => folder.remove());

/** Returns the tasks that `npm run check` would run for a package if only that folder's programs were installed. */
function planned(name: string): Task[] {
  const args = [join(ROOT, 'scripts', 'check.mjs'), `--filter=${name}`, '--filter=//', '--dry=json'];
  const { stdout, stderr } = spawnSync(process.execPath, args, {
    ...{ cwd: ROOT, encoding: 'utf8', maxBuffer: 2 ** 26 },
    env: {
      ...{ ...process.env, PATH: [join(ROOT, 'node_modules', '.bin'), programs].join(delimiter) },
      ...{ CRYFOLD_TOOLS: '', CRYFOLD_CACHE: programs, TURBO_TELEMETRY_DISABLED: '1' },
    },
  });
  assert.ok(stdout.includes('{'), stderr);
  return (JSON.parse(stdout.slice(stdout.indexOf('{'))) as { tasks: Task[] }).tasks;
}

const hashOf = (tasks: Task[], id: string) => tasks.find(({ taskId }) => taskId === id)?.hash ?? assert.fail(id);

test('after a program is installed, reruns the tests that use it, but not the build', async () => {
  const without = planned('@cryfold/features');
  await writeFile(join(programs, 'sox'), '', { mode: 0o755 });
  const having = planned('@cryfold/features');
  const [unit, build] = ['@cryfold/features#test:unit', '@cryfold/features#build'];
  assert.notEqual(hashOf(having, unit), hashOf(without, unit));
  assert.equal(hashOf(having, build), hashOf(without, build));
});

test('the check cache covers files outside of src and test that unit tests read, and files in the root', async () => {
  const tasks = planned('cryfold');
  const inputsOf = (id: string) => Object.keys(tasks.find(({ taskId }) => taskId === id)?.inputs ?? assert.fail(id));
  const unit = inputsOf('cryfold#test:unit');
  for (const file of ['bin/cryfold.js', '../../scripts/tensorflow/build.py', '../../docs/errors.md']) {
    assert.ok(unit.includes(file), file);
  }
  const root = inputsOf('//#lint:root');
  for (const file of ['biome.json', 'turbo.json', 'scripts/check.mjs']) assert.ok(root.includes(file), file);
  // If a task's inputs included its own outputs, the task would run every time.
  for (const { taskId, inputs } of tasks) {
    assert.deepEqual(
      Object.keys(inputs).filter((file) => /(^|\/)(\.turbo|dist)\//.test(file)),
      [],
      taskId,
    );
  }
});
