import assert from 'node:assert/strict';
import { type ExecFileException, execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { loadTensorFlow, tensorFlowInfo } from '../src/tensorflow.js';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const MODULE = fileURLToPath(new URL('../src/tensorflow.js', import.meta.url));
const VENDOR = join(ROOT, 'node_modules/@tensorflow/tfjs-node-gpu');

/** Runs a module in a separate process and returns its JSON output. */
async function run(source: string): Promise<unknown> {
  const stdout = await new Promise<string>((resolve, reject) => {
    execFile(
      process.execPath,
      ['--input-type=module', '-e', source],
      (error: ExecFileException | null, out: string, err: string) =>
        error ? reject(new Error(`${error.message}\n${err}`)) : resolve(out),
    );
  });
  return JSON.parse(stdout);
}

test('importing the package does not load TensorFlow; loading it does, once', async () => {
  const loaded = `process.report.getReport().sharedObjects.some((path) => path.includes('libtensorflow'))`;
  const index = pathToFileURL(join(dirname(MODULE), 'index.js'));
  const states = await run(`
    import '${index}';
    const before = ${loaded};
    const { loadTensorFlow } = await import('${pathToFileURL(MODULE)}');
    const same = loadTensorFlow({ threads: 1 }) === loadTensorFlow({ threads: 1 });
    console.log(JSON.stringify([before, ${loaded}, same]));`);
  assert.deepEqual(states, [false, true, true]);
});

test('the loaded package computes, has the protobuf classes, and respects its number of threads', () => {
  const tf = loadTensorFlow({ threads: 1 });
  const product = tf.matMul(tf.tensor2d([1, 2, 3, 4], [2, 2]), tf.tensor2d([5, 6, 7, 8], [2, 2]));
  assert.deepEqual([...product.dataSync()], [19, 22, 43, 50]);
  const node = new tf.protobuf.NodeDef();
  node.setOp('Identity');
  assert.equal(tf.protobuf.NodeDef.deserializeBinary(node.serializeBinary()).getOp(), 'Identity');
  assert.throws(() => loadTensorFlow({ threads: 2 }), /runs with 1 threads in this process/);
});

test('with one thread, a process uses one core, and two processes compute the same bits', async () => {
  const work = `
    import { createHash } from 'node:crypto';
    const { loadTensorFlow } = await import('${pathToFileURL(MODULE)}');
    const tf = loadTensorFlow({ threads: 1 });
    const x = tf.randomUniform([20, 30, 45, 64], -1, 1, 'float32', 1);
    const w = tf.randomUniform([3, 3, 64, 64], -1, 1, 'float32', 2);
    const gradients = tf.grads((x, w) => tf.conv2d(x, w, 1, 'same').square().sum());
    gradients([x, w])[0].dataSync();
    const [cpu, start, hash] = [process.cpuUsage(), process.hrtime.bigint(), createHash('sha256')];
    for (let i = 0; i < 4; i++) for (const g of gradients([x, w])) hash.update(g.dataSync());
    const { user, system } = process.cpuUsage(cpu);
    const cores = (user + system) / (Number(process.hrtime.bigint() - start) / 1000);
    console.log(JSON.stringify({ cores, digest: hash.digest('hex') }));`;
  const results = [await run(work), await run(work)] as { cores: number; digest: string }[];
  assert.equal(results[0].digest, results[1].digest);
  // Two threads would use 1.8 cores if two cores are free. The JavaScript that runs alongside the single thread adds a
  // little CPU time.
  for (const { cores } of results) assert.ok(cores < 1.3, `${cores} cores`);
});

test('reports the pinned version of the wheels, without loading TensorFlow in its own process', async () => {
  const pins = join(ROOT, 'scripts/tensorflow');
  const lists = (await readdir(pins)).filter((name) => name.endsWith('.txt'));
  assert.ok(lists.length >= 4);
  const info = await tensorFlowInfo();
  for (const list of lists) {
    const text = await readFile(join(pins, list), 'utf8');
    assert.equal(/^tensorflow(?:-cpu)?==(\S+)/m.exec(text)?.[1], info.version, list);
    for (const line of text.trim().split('\n').slice(1)) assert.match(line, /^[\w-]+==\S+ --hash=sha256:[0-9a-f]{64}$/);
  }
  assert.equal(info.binding, JSON.parse(await readFile(join(VENDOR, 'package.json'), 'utf8')).version);
  assert.match(info.device, /^[CG]PU$/);
});

test('reports a missing, unbuilt or broken binding as TENSORFLOW_MISSING, with the command to run', async (t) => {
  const home = await mkdtemp(join(tmpdir(), 'cryfold-binding-'));
  t.after(() => rm(home, { recursive: true }));
  const modules = join(home, 'node_modules');
  const place = async (name: string) => {
    await mkdir(dirname(join(modules, name)), { recursive: true });
    await symlink(join(ROOT, 'node_modules', name), join(modules, name));
  };
  await place('@cryfold/core');
  await cp(MODULE, join(home, 'tensorflow.mjs'));
  const attempt = () =>
    run(`
      const { loadTensorFlow, tensorFlowInfo } = await import('${pathToFileURL(join(home, 'tensorflow.mjs'))}');
      const records = [];
      for (const ask of [() => loadTensorFlow({ threads: 1 }), tensorFlowInfo]) {
        try { await ask(); records.push('no error'); } catch (error) { records.push(error.toRecord()); }
      }
      console.log(JSON.stringify(records));`) as Promise<{ code: string; message: string; hint: string }[]>;
  const expectAll = async (message: RegExp, hint: RegExp) => {
    for (const record of await attempt()) {
      assert.equal(record.code, 'TENSORFLOW_MISSING');
      assert.match(record.message, message);
      assert.match(record.hint, hint);
    }
  };

  await expectAll(/is not installed/, /npm ci, then cryfold setup/);

  const copy = join(modules, '@tensorflow/tfjs-node-gpu');
  await cp(VENDOR, copy, { recursive: true, filter: (path) => path !== join(VENDOR, 'lib') });
  const { dependencies } = JSON.parse(await readFile(join(VENDOR, 'package.json'), 'utf8'));
  for (const name of [...Object.keys(dependencies), '@tensorflow/tfjs-core']) await place(name);
  await expectAll(/is not built/, /Run cryfold setup\./);

  await mkdir(join(copy, 'lib/napi-v8'), { recursive: true });
  await writeFile(join(copy, 'lib/napi-v8/tfjs_binding.node'), 'not a library');
  await expectAll(/cannot be loaded: .*tfjs_binding\.node/, /cryfold setup --force/);
});
