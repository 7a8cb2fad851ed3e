import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { type TestContext, test } from 'node:test';
import { commandParameters } from '../src/command/parameters.js';
import { fails, lives, run, test_ } from './command-fold.js';

test('a program predicts the test clips, in whatever order it gets them', async () => {
  const { outcome, progress, epochs, groups } = await run(`
    const x = numbers('test-features.npy', Float32Array);
    console.log(JSON.stringify({ progress: 0.25 }));
    console.log(JSON.stringify({ epoch: 1, loss: 0.5, accuracy: 0.75 }));
    console.log('{"progress": "half"}');
    console.log(JSON.stringify({ environment: { tool: '1.2' } }));
    // The feature of each clip is the clip's number, so the probabilities in a row identify the clip.
    save(rows((row) => [x[2 * row] / 100, 1 - x[2 * row] / 100]), fold.test, 2);
    process.stdout.write('{"progress": 1}');
  `);
  const { probabilities, curve, environment } = outcome;
  assert.deepEqual([probabilities.rows, probabilities.columns], [6, 2]);
  test_.forEach((clip, row) => {
    assert.ok(Math.abs(probabilities.data[2 * row] - clip / 100) < 1e-12, `row ${row}`);
  });
  assert.deepEqual(progress, [0.25, 1]);
  assert.deepEqual(epochs, [{ epoch: 1, loss: 0.5, accuracy: 0.75, seconds: 0 }]);
  assert.equal(curve.length, 1);
  assert.equal(environment.tool, '1.2');
  assert.equal(groups.length, 2);
  assert.equal(typeof groups[0], 'number');
  assert.equal(groups[1], undefined);
});

test('nothing in the folder reveals the class of a test clip', async () => {
  const { outcome } = await run(`
    import { readdirSync } from 'node:fs';
    const files = readdirSync('.').sort().join(' ');
    if (files !== 'fold.json test-features.npy train-features.npy train-groups.npy train-labels.npy train.mjs') throw files;
    if (/group-of-class/.test(readFileSync('fold.json', 'utf8'))) throw 'names of groups';
    if (numbers('train-labels.npy', Int32Array).join() !== '0,0,0,1,1,1') throw 'labels';
    if (numbers('train-groups.npy', Int32Array).length !== fold.train) throw 'groups';
    // If the rows were in the dataset's order, the first half would be of class a.
    const x = numbers('test-features.npy', Float32Array);
    const order = rows((row) => x[2 * row] < 6 ? 0 : 1).join('');
    if (order === '000111') throw 'order';
    save(rows(() => [0.5, 0.5]), fold.test, 2);
  `);
  assert.equal(outcome.probabilities.rows, 6);
});

test('uses scores as decision values, and converts them to probabilities with softmax', async () => {
  const { outcome } = await run("save(rows(() => [0, Math.log(3)]), fold.test, 2, 'scores.npy')", { output: 'scores' });
  assert.deepEqual([...(outcome.decisions?.data.subarray(0, 2) ?? [])], [0, Math.log(3)]);
  assert.ok(Math.abs(outcome.probabilities.data[1] - 0.75) < 1e-12);
});

test('rejects output that is missing, has another shape, or is not finite or not probabilities', async () => {
  const invalid = 'COMMAND_OUTPUT_INVALID';
  await fails('', invalid, /did not write this file/);
  await fails("writeFileSync(fold.output, 'garbage')", invalid, /not an npy 1\.0 array/);
  await fails('save([0.5, 0.5], 1, 2)', invalid, /shape is \(1, 2\), not \(6, 2\)/);
  await fails('save(rows(() => [1]), fold.test, 1)', invalid, /not \(6, 2\)/);
  await fails('save(rows(() => [0.5, NaN]), fold.test, 2)', invalid, /row 0 has NaN/);
  await fails('save(rows(() => [0.5, 0.6]), fold.test, 2)', invalid, /row 0 does not have probabilities/);
  await fails('save(rows(() => [-0.5, 1.5]), fold.test, 2)', invalid, /row 0 does not have probabilities/);
  await fails('writeFileSync(fold.output, Buffer.alloc(2e6))', invalid, /not an npy 1\.0 array/);
});

test('a program that fails is reported with its exit code and its last line', async () => {
  await fails(
    "console.error('no such column'); process.exit(3)",
    'COMMAND_FAILED',
    /exited with code 3: no such column$/,
  );
  await fails("process.kill(process.pid, 'SIGTERM')", 'COMMAND_FAILED', /killed by SIGTERM/);
  await fails('', 'COMMAND_NOT_FOUND', /the program does not exist/, { run: ['no-such-program-here'] });
});

test('a program that looks for the labels of test clips finds none', () =>
  fails("numbers('test-labels.npy', Int32Array)", 'COMMAND_FAILED', /code 1/));

test('kills a hanging program with everything that it started', { skip: !existsSync('/proc') }, async () => {
  await fails(
    `
    const child = spawn('sleep', ['600'], { stdio: 'inherit' });
    console.error('sleeper ' + child.pid);
    setInterval(() => {}, 1000);
  `,
    'COMMAND_TIMEOUT',
    /still running after 0\.02 minutes/,
    { timeoutMinutes: 0.02 },
  );
  const left = await readdir('/proc');
  const sleepers = await Promise.all(
    left
      .filter((name) => /^\d+$/.test(name))
      .map(async (pid) => {
        const { readFile } = await import('node:fs/promises');
        const command = await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '');
        const folder = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
        return command.startsWith('sleep\x300') && folder.includes('cryfold-command-') && (await lives(Number(pid)));
      }),
  );
  assert.ok(!sleepers.includes(true));
});

test('kills a process that a program leaves behind', { skip: !existsSync('/proc') }, async () => {
  const { outcome } = await run(`
    const child = spawn('sleep', ['600'], { stdio: 'inherit' });
    console.log(JSON.stringify({ environment: { sleeper: String(child.pid) } }));
    save(rows(() => [0.5, 0.5]), fold.test, 2);
    setTimeout(() => process.exit(0), 50);
  `);
  assert.equal(await lives(Number(outcome.environment.sleeper)), false);
});

test('a fold finishes when its program exits, even if a process in another session keeps the output open', async () => {
  const { outcome } = await run(`
    const child = spawn('sleep', ['600'], { stdio: 'inherit', detached: true });
    console.log(JSON.stringify({ environment: { sleeper: String(child.pid) } }));
    save(rows(() => [0.5, 0.5]), fold.test, 2);
    setTimeout(() => process.exit(0), 50);
  `);
  process.kill(Number(outcome.environment.sleeper), 'SIGKILL');
});

test('limits the epochs and the environment that a program can report', async () => {
  const { outcome } = await run(`
    const lines = [];
    for (let i = 1; i <= 20000; i++) lines.push(JSON.stringify({ epoch: i, loss: 0, accuracy: 0 }));
    for (let i = 1; i <= 200; i++) lines.push(JSON.stringify({ environment: { ['name ' + i]: 'x' } }));
    writeFileSync(1, lines.join('\\n') + '\\n');
    save(rows(() => [0.5, 0.5]), fold.test, 2);
  `);
  assert.equal(outcome.curve.length, 10_000);
  const names = Object.keys(outcome.environment).filter((name) => name.startsWith('name '));
  assert.equal(names.length, 100);
});

test('kills a program above its memory limit', { skip: !existsSync('/proc') }, () =>
  fails(
    'const held = []; setInterval(() => held.push(Buffer.alloc(2e7, 1)), 5);',
    'OUT_OF_MEMORY',
    /limit is 200 MiB/,
    {
      memoryMb: 200,
    },
  ),
);

test('a program that the kernel kills counts as out of memory', () =>
  fails("process.kill(process.pid, 'SIGKILL')", 'OUT_OF_MEMORY', /SIGKILL/));

test('a program gets its number of threads, but no credentials', async () => {
  process.env.AWS_SECRET_ACCESS_KEY = 'secret';
  process.env.REDIS_URL = 'redis://:secret@127.0.0.1';
  try {
    const { outcome } = await run(`
      const secret = String(JSON.stringify(process.env).includes('secret'));
      console.log(JSON.stringify({ environment: { secret, threads: process.env.OMP_NUM_THREADS } }));
      save(rows(() => [0.5, 0.5]), fold.test, 2);
    `);
    assert.deepEqual(
      { secret: outcome.environment.secret, threads: outcome.environment.threads },
      { secret: 'false', threads: '2' },
    );
  } finally {
    delete process.env.AWS_SECRET_ACCESS_KEY;
    delete process.env.REDIS_URL;
  }
});

test('no folder of a fold is left behind', async () => {
  await fails('process.exit(1)', 'COMMAND_FAILED', /./);
  const own = `cryfold-command-${process.pid.toString(16).padStart(16, '0')}-`;
  assert.deepEqual(
    (await readdir(tmpdir())).filter((name) => name.startsWith(own)),
    [],
  );
});

test('rejects files outside the folder of the spec', () => {
  const parse = (file: string) => commandParameters.safeParse({ kind: 'command', run: ['x'], files: [file] }).success;
  assert.ok(parse('lib/model.py'));
  for (const file of [
    '../secret',
    '/etc/passwd',
    'a/../../b',
    'a//b',
    './x',
    'a\\b',
    '',
    'fold.json',
    'train-labels.npy',
  ])
    assert.ok(!parse(file), file);
});

test('a spec may list files in trained/ unless the command has `predict`, which reserves that folder', () => {
  const hash = '0'.repeat(64);
  for (const files of [['trained/model.bin'], ['trained'], { 'trained/model.bin': hash }]) {
    const parameters = { kind: 'command', run: ['x'], files };
    assert.ok(commandParameters.safeParse(parameters).success);
    const { error } = commandParameters.safeParse({ ...parameters, predict: ['y'] });
    assert.match(error?.message ?? '', /if predict is set, the folder trained\/ is reserved/);
  }
  assert.ok(
    commandParameters.safeParse({ kind: 'command', run: ['x'], predict: ['y'], files: ['trained.py'] }).success,
  );
});

/** Creates a memory cgroup (v2 or v1) with a limit in MiB for one test; returns undefined if it cannot be created. */
function memoryGroup(t: TestContext, mib: number): string | undefined {
  for (const [root, limit] of [
    ['/sys/fs/cgroup', 'memory.max'],
    ['/sys/fs/cgroup/memory', 'memory.limit_in_bytes'],
  ]) {
    const folder = `${root}/cryfold-test-command-${process.pid}`;
    try {
      mkdirSync(folder);
    } catch {
      continue;
    }
    t.after(() => {
      for (let tries = 0; existsSync(folder) && tries < 100; tries++)
        spawnSync('sh', ['-c', 'rmdir "$0" || sleep 0.1', folder]);
    });
    if (!existsSync(`${folder}/${limit}`)) continue;
    writeFileSync(`${folder}/${limit}`, String(mib * 2 ** 20));
    return folder;
  }
  return undefined;
}

test('reports a program that the kernel kills for lack of memory', async (t) => {
  const group = memoryGroup(t, 150);
  if (!group) return t.skip('cannot create a memory cgroup here (root only)');
  const script = 'echo $$ >"$0/cgroup.procs"; exec "$@"';
  await fails(
    'const held = []; setInterval(() => held.push(Buffer.alloc(2e7, 1)), 5);',
    'OUT_OF_MEMORY',
    /was killed \(SIGKILL\), most likely because the machine ran out of memory/,
    { run: ['sh', '-c', script, group, process.execPath, 'train.mjs'], memoryMb: 10_000 },
  );
});
