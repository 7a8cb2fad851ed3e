import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { synthesizeCorpus } from '@cryfold/corpus';
import { cryfold, ownStore, temporaryFolder, until } from './command.js';
import { killServed, serveModel } from './served-model.js';
import { withoutRedis } from './testbed.js';

const skip = withoutRedis;

/** Saves the frequency of each class. */
const TRAIN = `
import { readFileSync, writeFileSync } from 'node:fs';
const { classes, train } = JSON.parse(readFileSync('fold.json', 'utf8'));
const labels = readFileSync('train-labels.npy').subarray(-4 * train);
const counts = classes.map(() => 0);
for (let i = 0; i < train; i++) counts[labels.readInt32LE(4 * i)]++;
writeFileSync('trained/shares.json', JSON.stringify(counts.map((count) => count / train)));
`;
/** Predicts the saved frequencies, but hangs as long as a file exists at the path in its parameter `hang`. */
const PREDICT = `
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
const fold = JSON.parse(readFileSync('fold.json', 'utf8'));
const { hang } = fold.parameters;
if (existsSync(hang)) {
  writeFileSync(hang, process.pid + ' ' + process.cwd());
  await new Promise((resolve) => setTimeout(resolve, 600_000));
}
const shares = JSON.parse(readFileSync('trained/shares.json', 'utf8'));
const text = ("{'descr': '<f8', 'fortran_order': False, 'shape': (" + fold.test + ", " + shares.length + "), }").padEnd(117) + '\\n';
const prefix = Buffer.from([0x93, ...Buffer.from('NUMPY'), 1, 0, text.length, 0]);
const rows = new Float64Array(Array.from({ length: fold.test }, () => shares).flat());
writeFileSync(fold.output, Buffer.concat([prefix, Buffer.from(text), Buffer.from(rows.buffer)]));
`;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let recording: string;
const path = (...names: string[]) => join(folder.path, ...names);
const inStore = () => ['--store', path('out', 'store')];

before(async () => {
  folder = await temporaryFolder();
  await synthesizeCorpus(path('corpus'), { clips: 40, seed: 1 });
  const files = await readdir(path('corpus'), { recursive: true });
  recording = path('corpus', files.find((name) => name.endsWith('.wav')) ?? '');
  await writeFile(path('train.mjs'), TRAIN);
  await writeFile(path('predict.mjs'), PREDICT);
});
after(() => folder.remove());

async function json(args: string[]) {
  const { code, stdout, stderr } = await cryfold([...args, '--json', ...inStore()]);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

/** Evaluates the two programs and their fusion with another estimator. @returns the run's id */
async function evaluate(): Promise<string> {
  const node = process.execPath;
  const own = {
    ...{ kind: 'command', run: [node, 'train.mjs'], predict: [node, 'predict.mjs'] },
    ...{ files: ['train.mjs', 'predict.mjs'], parameters: { hang: path('hang') } },
  };
  const spec = {
    ...{ version: 1, name: 'shares', protocol: { folds: 2, repeats: 1 } },
    ...{ features: { kind: 'spectrogram', height: 8, width: 8 }, estimators: { pixels: { kind: 'svm' }, own } },
    fusion: { both: { members: ['pixels', 'own'] } },
  };
  await writeFile(path('spec.yaml'), JSON.stringify(spec));
  const run = ['run', path('spec.yaml'), '--data', path('corpus'), ...ownStore(path('out')), '--json'];
  const { code, stdout, stderr } = await cryfold(run);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout).run.id;
}

test('saves and uses models of command estimators only if commands are allowed', { skip }, async (t) => {
  const run = await evaluate();
  const refused = await cryfold(['train-final', run, '--of', 'both', ...inStore()]);
  assert.match(refused.stderr, /COMMANDS_NOT_ALLOWED.*own of shares-/);
  assert.ok(!existsSync(path('out', 'store', 'finals')), 'the command is refused before any member is trained');
  const { card } = await json(['train-final', run, '--of', 'own', '--allow-commands']);
  assert.deepEqual(
    card.members.map(({ kind }: { kind: string }) => kind),
    ['command'],
  );
  assert.equal(card.format, 4, 'earlier formats do not support this kind of member');
  const model = `shares@${card.version}`;

  const unasked = await cryfold(['predict', model, recording, ...inStore()]);
  assert.equal(unasked.stdout, '');
  assert.match(unasked.stderr, /COMMANDS_NOT_ALLOWED.*its own program[\s\S]*--allow-commands/);
  // On another machine, the folder of the model version is all that is needed.
  await cp(path('out', 'store', 'models', 'shares', card.version), path('model'), { recursive: true });
  const { predictions } = await json(['predict', path('model'), recording, '--allow-commands']);
  const shares = card.data.classes.map(({ clips }: { clips: number }) => clips / card.data.clips);
  assert.deepEqual(Object.values(predictions[0].windows[0].probabilities), shares);
  assert.equal((await cryfold(['gc', ...inStore()])).code, 0);

  const closed = await cryfold(['serve', '--model', model, '--port', '0', ...inStore()]);
  assert.match(closed.stdout + closed.stderr, /COMMANDS_NOT_ALLOWED/);
  const served = await serveModel(model, ['--allow-commands', '--timeout', '5', ...inStore()]);
  t.after(() => killServed(served));
  const ask = async () => {
    const headers = { 'content-type': 'audio/wav' };
    const body = await readFile(recording);
    const answer = await fetch(`${served.url}/api/v1/predict`, { method: 'POST', headers, body });
    return { status: answer.status, answer: JSON.parse(await answer.text()) };
  };
  const { status, answer } = await ask();
  assert.equal(status, 200);
  assert.deepEqual(answer.predictions[0].windows[0].probabilities, predictions[0].windows[0].probabilities);
  // A program that hangs is killed when its request times out.
  await writeFile(path('hang'), '');
  const hung = await ask();
  assert.deepEqual([hung.status, hung.answer.error.code], [504, 'PREDICTION_TIMEOUT']);
  const [pid, own] = (await readFile(path('hang'), 'utf8')).split(' ');
  await until('the program to exit', () => !existsSync(`/proc/${pid}`) && !existsSync(own));
});
