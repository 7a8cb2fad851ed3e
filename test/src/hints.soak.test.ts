import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { synthesizeCorpus } from '@cryfold/corpus';
import { type Ended, PROGRAM, start, temporaryFolder, until } from './command.js';
import { withoutRedis } from './testbed.js';

const skip = withoutRedis;

const SPEC = `
version: 1
name: svms
protocol: { folds: 2, repeats: 1 }
estimators: { svm: { kind: svm }, weak: { kind: svm, gamma: 1000 } }
`;
const SWEEP = `
version: 1
name: searched
protocol: { folds: 2, repeats: 1 }
estimators: { svm: { kind: svm } }
search: { algorithm: random, trials: 2, space: { svm: { C: { log: [1, 100] } } } }
`;
/** A spec with a network whose loss is never finite, so every fold fails. */
const BROKEN = `
version: 1
name: broken
protocol: { folds: 2, repeats: 1 }
estimators: { small-cnn: { kind: small-cnn, epochs: 2, learningRate: 1e30, filters: [4, 8, 8], dense: [16] } }
`;

/** Commands that a new user tries after the first run, with their exit codes. */
const LINES = [
  ['cryfold data inspect corpus', 0],
  ['cryfold sweep sweep.yaml --data corpus --workers 1', 0],
  ['cryfold compare svms svms --model svm', 5],
  ['cryfold predict MODEL FILE', 0],
  ['cryfold status latest', 0],
  ['cryfold report latest --format md', 0],
] as const;

/** The exit codes of completed, incomplete and cancelled runs, and those of `cryfold compare` */
const DOCUMENTED = [0, 3, 4, 5, 6];

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const path = (...parts: string[]) => join(folder.path, ...parts);

before(async () => {
  folder = await temporaryFolder();
  await mkdir(path('bin'));
  await symlink(PROGRAM, path('bin', 'cryfold'));
  await synthesizeCorpus(path('corpus'), { clips: 60, seed: 1 });
  await writeFile(path('svms.yaml'), SPEC);
  await writeFile(path('sweep.yaml'), SWEEP);
  await writeFile(path('broken.yaml'), BROKEN);
});
after(() => folder.remove());

function environment(): NodeJS.ProcessEnv {
  const {
    REDIS_URL: _redis,
    CRYFOLD_STORE: _store,
    CRYFOLD_SERVER: _server,
    npm_lifecycle_event: _npx,
    ...rest
  } = process.env;
  return { ...rest, PATH: `${path('bin')}:${process.env.PATH}` };
}

/** Runs a line in a shell in the folder, as if a user had typed it. */
function type(line: string): Ended {
  const options = { cwd: folder.path, env: environment(), encoding: 'utf8' } as const;
  const { status, stdout, stderr } = spawnSync('bash', ['-c', line], options);
  return { code: status, stdout, stderr };
}

/** Returns the commands that a text suggests, each after a colon at the end of a line. */
function offered({ stdout, stderr }: Ended): string[] {
  return `${stdout}\n${stderr}`.split('\n').flatMap((line) => /: (cryfold .+)$/.exec(line)?.[1] ?? []);
}

/** Runs all commands that an output suggests, and recursively those that their outputs suggest. @returns all outputs */
function pasteAll(ended: Ended, pasted = new Map<string, string>()): Map<string, string> {
  for (const line of offered(ended)) {
    if (pasted.has(line)) continue;
    pasted.set(line, '');
    const next = type(line);
    pasted.set(line, next.stdout + next.stderr);
    assert.ok(DOCUMENTED.includes(next.code ?? -1), `${line}\nexits with ${next.code}:\n${next.stdout}${next.stderr}`);
    pasteAll(next, pasted);
  }
  return pasted;
}

const names = (pasted: Map<string, string>, command: string) =>
  [...pasted.keys()].filter((line) => line.includes(` ${command}`)).length;

for (const flags of ['', " --store 'my store'"]) {
  test(`prints only commands that work when pasted${flags && ', even with a non-default store'}`, {
    skip,
  }, async () => {
    const store = flags === '' ? path('cryfold') : path('my store');
    const ran = type(`cryfold run svms.yaml --data corpus --workers 1${flags}`);
    assert.equal(ran.code, 0, ran.stderr);
    assert.ok(existsSync(store));
    const pasted = pasteAll(ran);
    for (const command of ['train-final', 'models promote', 'models show']) assert.equal(names(pasted, command), 1);
    assert.ok([...pasted.keys()].every((line) => line.includes('--store') === (flags !== '')));

    const [first] = (await readdir(path('corpus'), { recursive: true })).filter((name) => name.endsWith('.wav'));
    const wrong = [
      ...[
        `predict nothing 'corpus/${first}'`,
        'models rollback svms',
        'models promote svms',
        'report nothing --format md',
      ],
      'train-final nothing',
    ];
    for (const line of wrong) {
      const ended = type(`cryfold ${line}${flags}`);
      assert.equal(ended.code, 2, `${line}\n${ended.stderr}`);
      pasteAll(ended, pasted);
    }
    const [model] = await readdir(join(store, 'models'));
    for (const [line, code] of flags === '' ? LINES : []) {
      const ended = type(line.replace('MODEL', model).replace('FILE', `'corpus/${first}'`));
      assert.equal(ended.code, code, `${line}\n${ended.stderr}`);
      pasteAll(ended, pasted);
    }
    for (const command of ['list', 'models list']) assert.ok(names(pasted, command) > 0, command);
  });
}

test('suggests status, logs and retry after failed folds', { skip }, () => {
  const ran = type('cryfold run broken.yaml --data corpus --workers 1');
  assert.equal(ran.code, 3, ran.stderr);
  const pasted = pasteAll(ran);
  for (const command of ['status', 'logs', 'retry']) assert.ok(names(pasted, command) > 0, command);
  assert.match([...pasted].find(([line]) => line.includes(' logs '))?.[1] ?? '', /NN_LOSS_NOT_FINITE/);
});

test('prints commands that inspect, cancel and continue a stopped run', { skip }, async () => {
  const command = start(
    ['run', path('svms.yaml'), '--data', path('corpus'), '--repeats', '15', '--workers', '1', '--seed', '9'],
    { CRYFOLD_STORE: path('cryfold') },
  );
  const folds = async () => (await readdir(path('cryfold', 'folds'))).length;
  const before = await folds();
  await until('a fold', async () => (await folds()) > before + 1);
  command.process.kill('SIGINT');
  assert.equal((await command.ended).code, 4, command.stderr());
  const run = /run (svms-\w+)/.exec(command.stderr())?.[1] ?? assert.fail(command.stderr());
  const unfinished = type(`cryfold report ${run} --format md`);
  assert.equal(unfinished.code, 2);
  assert.deepEqual(offered(unfinished), [`cryfold status ${run}`, `cryfold retry ${run}`]);
  const status = type(`cryfold status ${run}`);
  assert.deepEqual([status.code, offered(status)], [3, [`cryfold retry ${run}`]]);
  const cancelled = type(`cryfold cancel ${run}`);
  assert.equal(cancelled.code, 0, cancelled.stderr);
  const pasted = pasteAll(cancelled);
  assert.equal(names(pasted, 'retry'), 1);
  assert.equal(type(`cryfold status ${run}`).code, 0, 'the pasted retry finished it');
});

test('finds a run by id prefix, `latest`, protocol or folder, and lists the matches if there are several', {
  skip,
}, async () => {
  const both = type('cryfold run svms.yaml --data corpus --workers 1 --protocol paper-folds,grouped --out copies');
  assert.equal(both.code, 0, both.stderr);
  const results = JSON.parse(await readFile(path('copies', 'grouped', 'results.json'), 'utf8'));
  const { id } = results.run;
  for (const name of [id.slice(0, -2), 'latest', 'grouped', 'copies/grouped', `cryfold/runs/${id}`]) {
    const report = type(`cryfold report ${name} --format json`);
    assert.equal(report.code, 0, `${name}: ${report.stderr}`);
    assert.equal(JSON.parse(report.stdout).run.id, id, name);
  }
  for (const line of [
    ...['status grouped', 'logs grouped', 'retry grouped', 'cancel grouped', 'train-final grouped --of svm'],
    ...['fuse grouped', 'export mlflow grouped --to ml', 'report grouped --beside paper-folds --out both.html'],
  ]) {
    const ended = type(`cryfold ${line}`);
    assert.equal(ended.code, 0, `${line}: ${ended.stderr}`);
  }
  for (const line of ['report copies --format md', 'train-final copies']) {
    const several = type(`cryfold ${line}`);
    assert.equal(several.code, 2);
    assert.match(several.stderr, /RUN_AMBIGUOUS: copies matches 2 runs\n.*copies\/grouped, copies\/paper-folds/);
  }
  assert.match(type('cryfold status svms').stderr, /RUN_AMBIGUOUS: svms matches \d runs\n.*svms-\w+, svms-\w+/);
});

test('replaces copied results of another run only with --force', { skip }, async () => {
  const run = (seed: number, more = '') =>
    type(`cryfold run svms.yaml --data corpus --workers 1 --seed ${seed} --out kept${more}`);
  const file = path('kept', 'results.json');
  assert.equal(run(21).code, 0);
  const first = await readFile(file);
  assert.equal(run(21).code, 0, 'the same run');
  const refused = run(22);
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /OUT_TAKEN: kept contains the results of run svms-\w+\n.*--force/);
  assert.doesNotMatch(refused.stderr, /workers on this machine/, 'nothing was trained');
  const fused = type('cryfold fuse latest --members svm,weak --out kept');
  assert.match(fused.stderr, /OUT_TAKEN: kept contains the results of other models of run/);
  assert.deepEqual(await readFile(file), first);
  assert.equal(run(22, ' --force').code, 0);
  assert.notDeepEqual(await readFile(file), first);
});

test('finds a store in the --out folder of an earlier version', { skip }, async () => {
  // Earlier versions put the store and the copies of results into one folder.
  const ran = type('cryfold run svms.yaml --data corpus --workers 1 --seed 31 --store old/store --out old');
  assert.equal(ran.code, 0, ran.stderr);
  const trained = type('cryfold train-final old --of svm');
  assert.equal(trained.code, 0, trained.stderr);
  assert.deepEqual(
    offered(trained).map((line) => line.replace(/@\w+/, '')),
    ['cryfold --store old/store models promote svms'],
  );
  pasteAll(trained);
  assert.match(type('cryfold list --store old/store').stdout, /^svms-\w+ +complete/m);
});
