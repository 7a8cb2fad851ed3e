import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { synthesizeCorpus } from '@cryfold/corpus';
import { type Command, cryfold, ownStore, ROOT, start, temporaryFolder, until } from './command.js';
import { type Testbed, testbed, withoutRedis } from './testbed.js';

const skip = withoutRedis;

/** Predicts fixed probabilities after the number of milliseconds in its parameters. */
const TRAIN = `
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
const fold = JSON.parse(readFileSync('fold.json', 'utf8'));
const { delayMs, started, lean } = fold.parameters;
appendFileSync(started, process.pid + '\\n');
console.log(JSON.stringify({ progress: 0.5 }));
await new Promise((resolve) => setTimeout(resolve, delayMs));
const text = ("{'descr': '<f8', 'fortran_order': False, 'shape': (" + fold.test + ", " + fold.classes.length + "), }").padEnd(117) + '\\n';
const rest = (1 - lean) / (fold.classes.length - 1);
const rows = Array.from({ length: fold.test }, () => fold.classes.map((_, i) => (i === 0 ? lean : rest))).flat();
const prefix = Buffer.from([0x93, ...Buffer.from('NUMPY'), 1, 0, text.length, 0]);
writeFileSync(fold.output, Buffer.concat([prefix, Buffer.from(text), Buffer.from(new Float64Array(rows).buffer)]));
`;

let bed: Testbed;
const services: Command[] = [];

before(async () => {
  if (withoutRedis) return;
  bed = (await testbed(
    { 'train.mjs': TRAIN },
    { coordinator: ['coordinator'], aggregator: ['aggregator'] },
  )) as Testbed;
});
after(async () => {
  for (const { process } of services) process.kill('SIGKILL');
  await Promise.all(services.map(({ ended }) => ended));
  await bed?.remove();
});

function worker(...flags: string[]): Command {
  const command = start(['worker', '--queues', 'cpu', ...flags], bed.environment);
  services.push(command);
  return command;
}

/** Writes a spec with one command whose processes append their ids to a file. */
async function spec(name: string, delayMs: number, search = ''): Promise<string> {
  const started = bed.path(`${name}.pids`);
  await writeFile(started, '');
  const parameters = JSON.stringify({ delayMs, started, lean: 0.5 });
  await writeFile(
    bed.path(`${name}.yaml`),
    `version: 1
name: ${name}
protocol: { folds: 3, repeats: 1 }
estimators:
  own: { kind: command, run: [${JSON.stringify(process.execPath)}, train.mjs], files: [train.mjs], parameters: ${parameters} }
${search}`,
  );
  return started;
}

const pids = async (file: string) => (await readFile(file, 'utf8')).trim().split('\n').filter(Boolean).map(Number);

test('runs commands in a worker only with --allow-commands', { skip }, async () => {
  await spec('allowed', 0);
  const refusing = worker();
  const running = start(bed.run('allowed.yaml'), bed.environment);
  await until('the refusal', () => refusing.stdout().includes('COMMANDS_NOT_ALLOWED'));
  // Kill this worker right away, because each time it refuses a fold, the delay before the next try increases.
  refusing.process.kill('SIGKILL');
  worker('--allow-commands');
  const ended = await running.ended;
  assert.equal(ended.code, 0, ended.stderr);
});

test('stops the programs of a cancelled run within five seconds', { skip }, async () => {
  const started = await spec('cancelled', 600_000);
  const running = start(bed.run('cancelled.yaml'), bed.environment);
  await until('a program', async () => (await pids(started)).length > 0);
  const [pid] = await pids(started);
  const { stdout } = await cryfold(['list', '--json'], bed.environment);
  const { run } = JSON.parse(stdout).find(({ run }: { run: string }) => run.startsWith('cancelled-'));
  assert.equal((await cryfold(['cancel', run], bed.environment)).code, 0);
  // Start measuring here, so that the startup time of the cancel command does not count.
  const asked = Date.now();
  await until('the program to exit', () => !existsSync(`/proc/${pid}`));
  assert.ok(Date.now() - asked < 5000, `${Date.now() - asked} ms`);
  assert.equal((await running.ended).code, 4);
});

test('sweeps the parameters of a command, and survives the death of a worker', { skip }, async () => {
  const search = `search:
  algorithm: grid
  metric: accuracy
  space: { own: { lean: { choice: [0.3, 0.6] } } }
`;
  const started = await spec('swept', 300, search);
  const [first] = services.filter(({ process }) => process.exitCode === null && process.signalCode === null);
  const running = start(['sweep', ...bed.run('swept.yaml').slice(1)], bed.environment);
  await until('a program', async () => (await pids(started)).length > 0);
  first.process.kill('SIGKILL');
  const [pid] = await pids(started);
  await until('its program to exit', () => !existsSync(`/proc/${pid}`));
  worker('--allow-commands');
  const ended = await running.ended;
  assert.equal(ended.code, 0, ended.stderr);
  // Seven processes were started for six folds, since one fold was tried twice.
  assert.equal((await pids(started)).length, 7);
});

const modules = (...names: string[]) => {
  try {
    execFileSync('python3', ['-c', `import ${names.join(', ')}`], { stdio: 'ignore' });
    return undefined;
  } catch {
    return `python3 has no ${names.join(' or ')}`;
  }
};

const EXAMPLES = [
  { name: 'command-shell', files: 1, keeps: false, missing: undefined },
  { name: 'command-sklearn', files: 2, keeps: true, missing: modules('numpy', 'sklearn') },
  { name: 'command-pytorch', files: 3, keeps: true, missing: modules('numpy', 'torch') },
];

for (const { name, files, keeps, missing } of EXAMPLES) {
  const what = keeps ? 'runs unchanged, and its final model predicts' : 'runs unchanged';
  test(`examples/${name} ${what}, and a second run uses the stored folds`, { skip: skip || missing }, async (t) => {
    const folder = await temporaryFolder();
    t.after(folder.remove);
    const data = join(folder.path, 'corpus');
    await synthesizeCorpus(data, { clips: 40, seed: 1 });
    const file = join(ROOT, 'examples', name, 'spec.yaml');
    const run = ['run', file, '--data', data, ...ownStore(folder.path), '--folds', '2', '--repeats', '1'];
    const ended = await cryfold(run);
    assert.equal(ended.code, 0, ended.stderr);
    const again = await cryfold(run);
    assert.match(again.stderr, /all 2 folds are already in the store/);
    assert.equal((await readdir(join(folder.path, 'store', 'commands'))).length, files);
    const inStore = ['--store', join(folder.path, 'store')];
    assert.equal((await cryfold(['gc', ...inStore])).code, 0);
    if (!keeps) return;
    const made = await cryfold(['train-final', 'latest', '--name', 'kept', '--json', '--allow-commands', ...inStore]);
    assert.equal(made.code, 0, made.stderr);
    const model = `kept@${JSON.parse(made.stdout).card.version}`;
    const names = await readdir(data, { recursive: true });
    const recording = join(data, names.find((one) => one.endsWith('.wav')) ?? '');
    const predicted = await cryfold(['predict', model, recording, '--json', '--allow-commands', ...inStore]);
    assert.equal(predicted.code, 0, predicted.stderr);
    assert.equal(JSON.parse(predicted.stdout).predictions[0].windows.length, 1);
  });
}
