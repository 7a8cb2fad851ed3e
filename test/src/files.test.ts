import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { printable } from '@cryfold/core';
import { encodeWav } from '@cryfold/corpus';
import { cryfold, type Ended, ownStore, PROGRAM, start, temporaryFolder, until } from './command.js';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const path = (...parts: string[]) => join(folder.path, ...parts);

/** Class names that a terminal, browser or spreadsheet could execute. They are also used as folder names. */
const CLASSES = ['=1+1', 'b\u001b]52;c;aGk=\u0007\u202egpj\u009b2J\ncryfold: ok', '<img src=x onerror=alert(1)>'];

const SPEC = `
version: 1
name: tiny
protocol: { folds: 3, repeats: 1 }
estimators:
  hard: { kind: svm }
  soft: { kind: svm, C: 0.5 }
`;

async function write(name: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path(name)), { recursive: true });
  await writeFile(path(name), content);
}

before(async () => {
  folder = await temporaryFolder();
  await write('spec.yaml', SPEC);
  for (const [c, label] of CLASSES.entries()) {
    for (let i = 0; i < 5; i++) {
      const samples = Float64Array.from({ length: 8000 }, (_, n) => Math.sin(n * n * (0.001 * (1 + c) + 0.0001 * i)));
      await write(`data/${label}/${i}.wav`, encodeWav(samples, 8000));
    }
  }
  execFileSync(
    'mkfifo',
    ['pipe', 'pipe.csv', 'pipe.h5'].map((name) => path(name)),
  );
  await write('huge.yaml', '');
  await truncate(path('huge.yaml'), 10 ** 10);
  await write(
    'pipe-weights.yaml',
    SPEC.replace('hard: { kind: svm }', `hard: { kind: tl-resnet50, weights: ${path('pipe.h5')} }`),
  );
});
after(() => folder.remove());

/** Asserts that the output of a command contains no control characters except line breaks. */
function assertPrintable({ stdout, stderr }: Ended): void {
  for (const line of (stdout + stderr).split('\n')) assert.equal(line, printable(line));
}

async function done(...args: string[]): Promise<Ended> {
  const ended = await cryfold(args);
  assert.equal(ended.code, 0, ended.stderr);
  assertPrintable(ended);
  return ended;
}

test('does not wait for pipes, or read devices and 10 GB files to the end', { timeout: 180_000 }, async () => {
  const data = ['--data', path('data')];
  const cases: [string[], RegExp][] = [
    [['plan', path('pipe'), ...data], /SPEC_INVALID: .*pipe: .*it is a named pipe/],
    [['plan', '/dev/zero', ...data], /SPEC_INVALID: \/dev\/zero: .*it is a device/],
    [['plan', path('huge.yaml'), ...data], /SPEC_INVALID: .*huge\.yaml: .*it is larger than 1 MiB/],
    [['sweep', path('pipe'), '--kubernetes', ...data], /SPEC_INVALID: .*pipe: .*it is a named pipe/],
    [['plan', path('spec.yaml'), '--data', path('pipe.csv')], /DATA_NOT_FOUND: .*pipe\.csv: .*it is a named pipe/],
    [['plan', path('pipe-weights.yaml'), ...data], /WEIGHTS_NOT_FOUND: .*pipe\.h5: .*it is a named pipe/],
    [['weights', 'put', path('pipe.h5'), '--store', `file:${path('w')}`], /WEIGHTS_NOT_FOUND: .*it is a named pipe/],
  ];
  const check = async ([args, told]: [string[], RegExp]) => {
    const { code, stderr } = await cryfold(args);
    assert.equal(code, 10, `${args.join(' ')}: ${stderr}`);
    assert.match(stderr, told);
  };
  await Promise.all(cases.map(check));
});

test('does not let hostile names and links harm the terminal, page, table or files elsewhere', async () => {
  await write('precious', 'mine');
  await mkdir(path('out'), { recursive: true });
  for (const name of ['results.json', 'out-of-fold.csv', 'report.html', 'results.json.new']) {
    await symlink(path('precious'), path('out', name));
  }
  await done('run', path('spec.yaml'), '--data', path('data'), ...ownStore(path('out')), '--workers', '1', '--force');
  await symlink(path('precious'), path('report.html'));
  await done('report', path('out'), '--out', path('report.html'));
  const { stdout } = await done('report', path('out'), '--format', 'json');
  await mkdir(path('fused'));
  await symlink(path('precious'), path('fused/results.json'));
  await done('fuse', path('out'), '--out', path('fused'), '--force');
  assert.equal(await readFile(path('precious'), 'utf8'), 'mine');

  const results = JSON.parse(await readFile(path('out/results.json'), 'utf8'));
  // In class names, any white space is replaced by a space.
  assert.deepEqual(results.dataset.classes, CLASSES.map((name) => name.replace('\n', ' ')).sort());
  assert.deepEqual(JSON.parse(stdout), results, 'JSON output is unchanged');
  const page = await readFile(path('report.html'), 'utf8');
  assert.doesNotMatch(page, /<img src=x/);
  for (const control of '\u001b\u202e\u009b') assert.ok(!page.includes(control));
  assert.match(page, /&lt;img src=x onerror=alert\(1\)&gt;/);
  const csv = await readFile(path('out/out-of-fold.csv'), 'utf8');
  assert.match(csv, /^'=1\+1\/0\.wav#0,'=1\+1\/0\.wav,'=1\+1,\d,\d,0\./m);

  await mkdir(path('elsewhere'));
  await done('export', 'mlflow', '--store', path('out', 'store'), '--to', path('mlflow'));
  const [experiment] = (await readdir(path('mlflow'))).filter((name) => name.length > 1);
  await rm(path('mlflow', experiment), { recursive: true });
  await symlink(path('elsewhere'), path('mlflow', experiment));
  const refused = await cryfold(['export', 'mlflow', '--store', path('out', 'store'), '--to', path('mlflow')]);
  assert.match(refused.stderr, /OUT_UNWRITABLE: .* is a link that leads outside/);
  assert.deepEqual(await readdir(path('elsewhere')), []);
});

test('reports why a run waits for an unwritable store, and finishes once the store is writable', async () => {
  await mkdir(path('stuck/store'), { recursive: true });
  // If a file has the name of a required folder, writes fail as on a full disk, but no separate file system is needed.
  await write('stuck/store/folds', '');
  const command = start([
    'run',
    path('spec.yaml'),
    '--data',
    path('data'),
    ...ownStore(path('stuck')),
    '--workers',
    '1',
  ]);
  const said = /^retrying after an error: STORE_UNREACHABLE: file store: folds/m;
  await until('the reason', () => command.process.exitCode !== null || said.test(command.stderr()));
  await rm(path('stuck/store/folds'));
  const ended = await command.ended;
  assert.equal(ended.code, 0, ended.stderr);
  assert.match(ended.stderr, said);
});

test('predict reports a pipe, classifies the other files, and stops reading endless input', async () => {
  const { stdout } = await done('train-final', path('out'), '--of', 'hard', '--json');
  const { name, version } = JSON.parse(stdout).card;
  const model = `${name}@${version}`;
  const file = path('data', CLASSES[1], '0.wav');
  const ended = await cryfold(['predict', model, path('pipe'), file, '/dev/zero', '--store', path('out', 'store')]);
  assert.equal(ended.code, 1, ended.stderr);
  assertPrintable(ended);
  assert.match(ended.stderr, /pipe: cannot be read: it is a named pipe/);
  assert.match(ended.stderr, /\/dev\/zero: cannot be read: it is a device/);
  assert.match(ended.stdout, /0\.wav +0\.00-1\.00 s/);
  const child = spawn(process.execPath, [PROGRAM, 'predict', model, '-', '--store', path('out', 'store')], {
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (text) => {
    said += text;
  });
  child.stdin.on('error', () => {});
  const endless = createReadStream('/dev/zero');
  endless.pipe(child.stdin);
  const [code] = await once(child, 'close');
  endless.destroy();
  assert.equal(code, 1);
  assert.match(said, /not a recording: its first bytes do not match a supported audio format/);
});
