import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { synthesizeCorpus } from '@cryfold/corpus';
import { cryfold, ownStore, temporaryFolder } from './command.js';
import { withoutRedis } from './testbed.js';

/**
 * A program that fails in the way given by its parameter `fault`. Without this parameter, it predicts the same
 * probability for all classes.
 */
const TRAIN = `
import { spawn } from 'node:child_process';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
const fold = JSON.parse(readFileSync('fold.json', 'utf8'));
const { fault, list } = fold.parameters;
const classes = fold.classes.length;
const save = (rows, columns, value = 1 / columns) => {
  const text = ("{'descr': '<f8', 'fortran_order': False, 'shape': (" + rows + ", " + columns + "), }").padEnd(117) + '\\n';
  const prefix = Buffer.from([0x93, ...Buffer.from('NUMPY'), 1, 0, text.length, 0]);
  const values = new Float64Array(rows * columns).fill(value);
  writeFileSync(fold.output, Buffer.concat([prefix, Buffer.from(text), Buffer.from(values.buffer)]));
};
const FAULTS = {
  hangs: () => setInterval(() => {}, 1000),
  forks: () => {
    for (let i = 0; i < 3; i++) appendFileSync(list, spawn('sleep', ['600'], { stdio: 'inherit' }).pid + '\\n');
    save(fold.test, classes);
    setTimeout(() => process.exit(0), 50);
  },
  garbage: () => {
    process.stdout.write(Buffer.alloc(1e6, 0xff));
    writeFileSync(fold.output, 'garbage');
  },
  nan: () => save(fold.test, classes, NaN),
  shape: () => save(fold.test, classes + 1),
  rows: () => save(fold.test - 1, classes),
  exits: () => process.exit(1),
  starves: () => {
    const held = [];
    setInterval(() => held.push(Buffer.alloc(2e7, 1)), 5);
  },
  killed: () => process.kill(process.pid, 'SIGKILL'),
  peeks: () => readFileSync('test-labels.npy'),
};
if (fault) FAULTS[fault]();
else save(fold.test, classes);
`;

/** For each fault, the error code of the folds that fail because of it. */
const CODES = {
  hangs: 'COMMAND_TIMEOUT',
  garbage: 'COMMAND_OUTPUT_INVALID',
  nan: 'COMMAND_OUTPUT_INVALID',
  shape: 'COMMAND_OUTPUT_INVALID',
  rows: 'COMMAND_OUTPUT_INVALID',
  exits: 'COMMAND_FAILED',
  starves: 'OUT_OF_MEMORY',
  killed: 'OUT_OF_MEMORY',
  peeks: 'COMMAND_FAILED',
  absent: 'COMMAND_NOT_FOUND',
} as const;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const path = (...names: string[]) => join(folder.path, ...names);

before(async () => {
  folder = await temporaryFolder();
  await synthesizeCorpus(path('corpus'), { clips: 30, seed: 1 });
  await writeFile(path('train.mjs'), TRAIN);
  await writeFile(path('list'), '');
  await mkdir(path('tmp'));
});
after(() => folder.remove());

const program = (fault?: string) => ({
  ...{ kind: 'command', run: [fault === 'absent' ? './no-such-program' : process.execPath, 'train.mjs'] },
  ...{ files: ['train.mjs'], parameters: { ...(fault && { fault }), list: path('list') }, memoryMb: 200 },
  ...(fault === 'hangs' && { timeoutMinutes: 0.02 }),
});

/** Lists the programs' working folders that currently exist. */
const programFolders = async () => (await readdir(path('tmp'))).filter((name) => name.startsWith('cryfold-command-'));

/** Evaluates one program per name, with the fault of that name; the program called `good` has no fault. */
async function run(...names: string[]) {
  const estimators = Object.fromEntries(names.map((name) => [name, program(name === 'good' ? undefined : name)]));
  const spec = { version: 1, name: 'faults', protocol: { splitter: 'ShuffleSplit', repeats: 1 }, estimators };
  await writeFile(path('spec.yaml'), JSON.stringify(spec));
  const flags = ['--data', path('corpus'), ...ownStore(path('out')), '--force', '--workers', '2', '--json'];
  const { code, stdout } = await cryfold(['run', path('spec.yaml'), ...flags], { TMPDIR: path('tmp') });
  return { code, results: JSON.parse(stdout) };
}

test('reports each kind of program failure with its own error, and leaves other estimators unaffected', {
  skip: withoutRedis,
}, async () => {
  const { code, results } = await run('good', 'forks', ...Object.keys(CODES));
  assert.equal(code, 3);
  const missing = results.missing.map(({ model, code: why }: { model: string; code: string }) => [model, why]);
  assert.deepEqual(Object.fromEntries(missing), CODES);
  const children = (await readFile(path('list'), 'utf8')).trim().split('\n');
  assert.equal(children.length, 3);
  for (const pid of children) assert.ok(!existsSync(`/proc/${pid}`), 'a child outlived its program');
  assert.deepEqual(await programFolders(), []);
  assert.deepEqual(
    results.models.filter(({ complete }: { complete: boolean }) => complete).map(({ name }: { name: string }) => name),
    ['good', 'forks'],
  );
});
