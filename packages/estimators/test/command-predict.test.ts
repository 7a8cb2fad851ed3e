import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CryfoldError } from '@cryfold/core';
import { loadCommand } from '../src/command/predictor.js';
import { killGroup } from '../src/command/process-group.js';
import { type Changes, fails, lives, run, test_ } from './command-fold.js';

/**
 * Training writes only a number, from which `predict` computes the probabilities of a clip together with the clip's
 * feature.
 */
const TRAIN = "writeFileSync('trained/divisor.txt', String(fold.parameters.divisor));";
const PREDICT = `
const x = numbers('test-features.npy', Float32Array);
const divisor = Number(readFileSync('trained/divisor.txt', 'utf8'));
save(rows((row) => [x[2 * row] / divisor, 1 - x[2 * row] / divisor]), fold.test, 2);
`;
const parameters = { divisor: 100 };
const none = new Int32Array();

/** The files of a model that was trained on all clips. */
async function filesOf(changes: Changes = {}): Promise<(name: string) => Uint8Array> {
  const { outcome } = await run(TRAIN, { parameters, predicting: PREDICT, keepModel: true, test: none, ...changes });
  const files = new Map(await outcome.model?.());
  return (name) => files.get(name) ?? new Uint8Array();
}

const predicts = async (script: string, changes: Changes = {}) =>
  loadCommand(await filesOf({ predicting: script, ...changes }), { maxMemoryMb: 2000 });

test('one program trains and another predicts, and neither gets files that only the other needs', async () => {
  const training = 'fold.json predict.mjs train-features.npy train-groups.npy train-labels.npy train.mjs trained';
  const predicting = 'fold.json predict.mjs test-features.npy train.mjs trained';
  const check = (files: string) =>
    `import { readdirSync } from 'node:fs'; if (readdirSync('.').sort().join(' ') !== '${files}') throw readdirSync('.').join(' ');`;
  const { outcome, groups } = await run(
    `${check(training)} if ('test' in fold || 'output' in fold || fold.model !== 'trained') throw 'fold.json'; ${TRAIN}`,
    { parameters, predicting: `${check(predicting)} if ('train' in fold) throw 'fold.json'; ${PREDICT}` },
  );
  test_.forEach((clip, row) => {
    assert.ok(Math.abs(outcome.probabilities.data[2 * row] - clip / 100) < 1e-12, `row ${row}`);
  });
  assert.equal(outcome.model, undefined, 'it was not requested');
  assert.deepEqual(
    groups.map((group) => typeof group),
    ['number', 'undefined', 'number', 'undefined'],
  );
});

test('a stored model predicts the same as the fold, and leaves no folder behind', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'cryfold-test-'));
  const before = process.env.TMPDIR;
  process.env.TMPDIR = folder;
  t.after(async () => {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
    await rm(folder, { recursive: true });
  });
  const model = loadCommand(await filesOf(), {});
  const { probabilities } = await model.predict(Float32Array.of(10, 0, 20, 0, 30, 0), 3);
  assert.deepEqual(Array.from(probabilities), [0.1, 0.9, 0.2, 0.8, 0.3, 0.7]);
  assert.deepEqual(await readdir(folder), []);
});

test('an error of the predicting program is attributed to it, and its epochs do not count as training', async () => {
  const epoch = (loss: number) => `console.log(JSON.stringify({ epoch: 1, loss: ${loss}, accuracy: 1 }));`;
  const training = `${TRAIN} console.log('trained well'); ${epoch(0.5)}`;
  const { outcome, epochs } = await run(training, { parameters, predicting: `${epoch(0.25)} ${PREDICT}` });
  const losses = outcome.curve.map(({ loss }) => loss);
  assert.deepEqual([losses, epochs.length], [[0.5], 1]);
  await fails(training, 'COMMAND_FAILED', /exited with code 3$/, { parameters, predicting: 'process.exit(3)' });
});

test('a model contains the files of the command and its trained files, under generated names', async () => {
  const { outcome } = await run(`${TRAIN} writeFileSync('trained/model.json', 'no JSON');`, {
    ...{ parameters, predicting: PREDICT, keepModel: true },
  });
  const files = new Map(await outcome.model?.());
  const record = JSON.parse(new TextDecoder().decode(files.get('command.json')));
  assert.deepEqual(Object.keys(record.files).sort(), [
    ...['predict.mjs', 'train.mjs', 'trained/divisor.txt', 'trained/model.json'],
  ]);
  for (const name of files.keys()) assert.match(name, /^(command\.json|[0-9a-f]{64}\.bin)$/);
});

test('rejects trained files that are missing, too many or not regular files', async () => {
  const invalid = 'COMMAND_OUTPUT_INVALID';
  const predicting = PREDICT;
  await fails('', invalid, /trained: the program succeeded, but did not write a file there/, { predicting });
  await fails(
    "import { rmSync } from 'node:fs'; rmSync('trained', { recursive: true });",
    ...([invalid, /did not write a file there/, { predicting }] as const),
  );
  await fails(
    "import { symlinkSync } from 'node:fs'; symlinkSync('/etc/passwd', 'trained/link');",
    ...([invalid, /trained\/link is neither a file nor a folder/, { predicting }] as const),
  );
  await fails(
    "import { rmdirSync, symlinkSync } from 'node:fs'; rmdirSync('trained'); symlinkSync('/etc', 'trained');",
    ...([invalid, /replaced the folder/, { predicting }] as const),
  );
  await fails("writeFileSync('trained/a b', '');", invalid, /"trained\/a b" has characters other/, { predicting });
  await fails(
    "for (let i = 0; i < 101; i++) writeFileSync('trained/' + i, '');",
    ...([invalid, /more than 100 files/, { predicting }] as const),
  );
  // The file is sparse, so it does not use disk space.
  await fails(
    "import { truncateSync } from 'node:fs'; writeFileSync('trained/a', ''); truncateSync('trained/a', 2 ** 29 + 1);",
    ...([invalid, /exceed 512 MiB/, { predicting }] as const),
  );
});

test('checks the predictions of a model like those of a fold', async () => {
  const rejects = async (script: string, code: string, message: RegExp, changes: Changes = {}) => {
    const model = await predicts(script, changes);
    await assert.rejects(model.predict(Float32Array.of(1, 0), 1), (error) => {
      assert.ok(error instanceof CryfoldError, String(error));
      assert.equal(error.code, code, error.message);
      assert.match(error.message, message);
      return true;
    });
  };
  await rejects('save([0.5, NaN], 1, 2)', 'COMMAND_OUTPUT_INVALID', /NaN/);
  await rejects("console.error('no model'); process.exit(4)", 'COMMAND_FAILED', /code 4: no model/);
  await rejects('setInterval(() => {}, 1000)', 'COMMAND_TIMEOUT', /still running/, { timeoutMinutes: 0.01 });
});

test('kills a model above its memory limit', { skip: !existsSync('/proc') }, async () => {
  const model = await predicts('const held = []; setInterval(() => held.push(Buffer.alloc(2e7, 1)), 5);', {
    memoryMb: 200,
  });
  await assert.rejects(model.predict(Float32Array.of(1, 0), 1), { code: 'OUT_OF_MEMORY', message: /limit is 200 MiB/ });
});

test('uses the scores of a model as decision values', async () => {
  const model = await predicts("save([0, Math.log(3)], 1, 2, 'scores.npy')", { output: 'scores' });
  const { probabilities, decisions } = await model.predict(Float32Array.of(1, 0), 1);
  assert.deepEqual([...(decisions ?? [])], [0, Math.log(3)]);
  assert.ok(Math.abs(probabilities[1] - 0.75) < 1e-12);
});

test('rejects a damaged model', async () => {
  const files = await filesOf();
  const altered = (name: string) => (name.endsWith('.bin') ? new TextEncoder().encode('x') : files(name));
  assert.throws(() => loadCommand(altered, {}), { code: 'ARTIFACT_CORRUPT' });
  assert.throws(() => loadCommand(() => new TextEncoder().encode('{}'), {}), { code: 'JOB_INVALID' });
});

/** Waits until `what` returns a value. */
const until = async <T>(what: () => Promise<T | undefined>): Promise<T> => {
  for (;;) {
    const found = await what();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

/** Predicts with the model in `folder` in a separate process. */
const PREDICTING = `
import { readFileSync } from 'node:fs';
const { loadCommand } = await import(process.argv[1]);
const model = loadCommand((name) => readFileSync(process.argv[2] + '/' + name), {});
await model.predict(Float32Array.of(1, 0), 1);
`;

test('the program of a model exits with the predicting process, however that process exits', {
  skip: !existsSync('/proc'),
}, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'cryfold-test-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = await filesOf({
    parameters: { ...parameters, pids: join(folder, 'pids') },
    predicting: `
        const child = spawn('sleep', ['600']);
        writeFileSync(fold.parameters.pids, process.pid + ' ' + child.pid + ' ' + process.cwd());
        setInterval(() => {}, 1000);
      `,
  });
  const record = JSON.parse(new TextDecoder().decode(file('command.json')));
  const names = ['command.json', ...Object.values(record.files).map((hash) => `${hash}.bin`)];
  for (const name of names) await writeFile(join(folder, name), file(name));
  const module = fileURLToPath(new URL('../src/command/predictor.js', import.meta.url));
  const parent = execFile(process.execPath, ['--input-type=module', '-e', PREDICTING, module, folder], () => {});
  const [program, child, own] = await until(async () => {
    const found = (await readFile(join(folder, 'pids'), 'utf8').catch(() => '')).split(' ');
    return found.length === 3 ? found : undefined;
  });
  parent.kill('SIGKILL');
  await until(async () => !(await lives(Number(program))) && !(await lives(Number(child))) && !existsSync(own));
});

test('the program of a model and its folder are removed if the guard process is killed', {
  skip: !existsSync('/proc'),
  timeout: 20_000,
}, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'cryfold-test-'));
  t.after(() => rm(folder, { recursive: true }));
  const model = await predicts(
    `
      const child = spawn('sleep', ['600']);
      writeFileSync(fold.parameters.pids, [process.ppid, process.pid, child.pid, process.cwd()].join(' '));
      setInterval(() => {}, 1000);
    `,
    { parameters: { ...parameters, pids: join(folder, 'pids') } },
  );
  const predicted = assert.rejects(model.predict(Float32Array.of(1, 0), 1), { code: 'CHILD_DIED' });
  const [guard, program, child, own] = await until(async () => {
    const found = (await readFile(join(folder, 'pids'), 'utf8').catch(() => '')).split(' ');
    return found.length === 4 ? found : undefined;
  });
  t.after(() => killGroup(Number(program)));
  process.kill(Number(guard), 'SIGKILL');
  await predicted;
  assert.equal(existsSync(own), false, 'its folder is still there');
  await until(async () => !(await lives(Number(program))) && !(await lives(Number(child))));
});
