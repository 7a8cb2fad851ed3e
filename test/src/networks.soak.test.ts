import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { synthesizeCorpus } from '@cryfold/corpus';
import { alive, cryfold, descendants, logLines, ownStore, start, temporaryFolder, until } from './command.js';

/** Time limit in seconds for a run to train its first epoch, even on a busy machine. */
const EPOCH_SECONDS = 180;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let corpus: string;

before(async () => {
  folder = await temporaryFolder();
  corpus = join(folder.path, 'corpus');
  await synthesizeCorpus(corpus, { clips: 60, seed: 2 });
});
after(() => folder.remove());

async function args(name: string, spec: string, out = name): Promise<string[]> {
  const path = join(folder.path, `${name}.yaml`);
  await writeFile(path, spec);
  return ['run', path, '--data', corpus, ...ownStore(join(folder.path, out))];
}

async function files(path: string): Promise<string[]> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
}

const LONG = `
version: 1
name: long
protocol: { folds: 2, repeats: 1 }
estimators:
  small-cnn: { kind: small-cnn, epochs: 40, learningRate: 1e-3, filters: [8, 8, 8], dense: [16] }
`;

test('resumes a killed fold from its checkpoint with the same bytes, and then deletes the checkpoint', async () => {
  const plain = await cryfold(await args('plain', LONG));
  assert.equal(plain.code, 0, plain.stderr);
  const out = join(folder.path, 'saved');
  const running = start(await args('saved', `${LONG}checkpoint: epoch\n`), {});
  const store = join(out, 'store', 'folds');
  const isKept = async () => (await files(store).catch((): string[] => [])).includes('state.safetensors');
  await until('a checkpoint', isKept, EPOCH_SECONDS);
  const child = await until('a training child', () =>
    descendants(running.process.pid ?? 0).find(({ command }) => command.includes('training-child.js')),
  );
  process.kill(child.pid, 'SIGKILL');
  const { code, stderr } = await running.ended;
  assert.equal(code, 0, stderr);
  const starts = (await logLines(out)).filter(({ msg }) => msg === 'fold started').length;
  assert.ok(starts > 2, 'a fold was restarted');
  const table = (name: string) => readFile(join(folder.path, name, 'out-of-fold.csv'));
  assert.deepEqual(await table('saved'), await table('plain'));
  assert.equal((await files(store)).includes('state.safetensors'), false);
});

test('deletes a damaged checkpoint, and retrains its fold from the start with the same bytes', async () => {
  const out = join(folder.path, 'damaged');
  const command = await args('damaged', `${LONG}checkpoint: epoch\n`);
  const killed = start(command);
  const store = join(out, 'store', 'folds');
  const saved = await until(
    'a checkpoint',
    async () => {
      const names = await readdir(store, { recursive: true }).catch((): string[] => []);
      return names.find((name) => name.endsWith('state.safetensors'));
    },
    EPOCH_SECONDS,
  );
  const below = descendants(killed.process.pid ?? assert.fail());
  killed.process.kill('SIGKILL');
  await until('its processes to exit', () => !below.some(({ pid }) => alive(pid)));
  await writeFile(join(store, saved), 'damaged');
  const { code, stderr } = await cryfold(command);
  assert.equal(code, 0, stderr);
  assert.ok((await logLines(out)).some(({ code }) => code === 'CHECKPOINT_DAMAGED'));
  const table = (name: string) => readFile(join(folder.path, name, 'out-of-fold.csv'));
  assert.deepEqual(await table('damaged'), await table('plain'));
});

test('runs a frozen backbone once for all folds, and supports partly frozen ones and other optimizers', async () => {
  const spec = `
version: 1
name: variants
protocol: { folds: 3, repeats: 1 }
estimators:
  frozen: { kind: tl-resnet50, backbone: frozen, epochs: 4, dense: [16] }
  frozen-sgd: { kind: tl-resnet50, backbone: frozen, optimizer: sgd, classWeight: balanced, epochs: 2, dense: [16] }
  partial: { kind: tl-resnet50, backbone: { from: conv5_block3_1_conv }, epochs: 1, dense: [16] }
`;
  const { code, stdout, stderr } = await cryfold([...(await args('variants', spec)), '--json', '--workers', '1']);
  assert.equal(code, 0, stderr);
  assert.equal(JSON.parse(stdout).models.length, 3);
  const lines = await logLines(join(folder.path, 'variants'));
  assert.equal(lines.filter(({ msg }) => msg === 'preparing').length, 1, 'the two frozen trials share one pass');
  const wrong = spec.replace('conv5_block3_1_conv', 'conv9').replaceAll(/^ {2}frozen.*\n/gm, '');
  const refused = await cryfold(await args('wrong', wrong));
  assert.equal(refused.code, 3, 'every fold fails');
  assert.match(refused.stdout, /conv9/);
});

test('trains the other networks with frozen or partly frozen backbones, refits them, and predicts', async () => {
  const spec = `
version: 1
name: others
protocol: { folds: 2, repeats: 1 }
estimators:
  mobile: { kind: mobilenet-v2, backbone: frozen, epochs: 2, dense: [16] }
  mobile-part: { kind: mobilenet-v2, backbone: { from: block_16_expand }, epochs: 1, dense: [16] }
  efficient: { kind: efficientnet-b0, epochs: 1, dense: [16] }
  residual: { kind: resnet18, epochs: 1, dense: [16] }
  vgg: { kind: vgg-audio, backbone: frozen, epochs: 2, dense: [16] }
  capsule: { kind: capsule, epochs: 1 }
`;
  const { code, stdout, stderr } = await cryfold([...(await args('others', spec)), '--json', '--workers', '1']);
  assert.equal(code, 0, stderr);
  const { run, models } = JSON.parse(stdout);
  assert.equal(models.filter(({ complete }: { complete: boolean }) => complete).length, 6);
  const store = join(folder.path, 'others', 'store');
  const recordings = await readdir(corpus, { recursive: true });
  const recording = join(corpus, recordings.find((name) => name.endsWith('.wav')) ?? assert.fail());
  for (const { name } of models) {
    const trained = await cryfold(['train-final', run.id, '--of', name, '--name', name, '--store', store, '--json']);
    assert.equal(trained.code, 0, trained.stderr);
    const { card } = JSON.parse(trained.stdout);
    const predicted = await cryfold(['predict', join(store, 'models', card.name, card.version), recording, '--json']);
    assert.equal(predicted.code, 0, predicted.stderr);
    const probabilities: number[] = Object.values(JSON.parse(predicted.stdout).predictions[0].windows[0].probabilities);
    assert.ok(Math.abs(probabilities.reduce((total, p) => total + p, 0) - 1) < 1e-5, name);
  }
});
