// Retrains a real SVM on synthetic recordings, only some of which the champion was trained on. In this situation, an
// earlier version once promoted a worse model. Held-out recordings of the same infants show which model is better.
//
// usage: tools/retrain-overlap [--seed 4]
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Clip, readDataset, synthesizeCorpus } from '@cryfold/corpus';
import { RandomState } from '@cryfold/evaluation';

const CHAMPION = 900;
const HELD_OUT = 600;
/**
 * Number of clips in the new data, number of these on which the champion was trained, and number of folds and repeats
 */
const CASES = [
  { clips: 300, known: 60, folds: 5, repeats: 1 },
  { clips: 400, known: 130, folds: 10, repeats: 5 },
];

const { values } = parseArgs({ options: { seed: { type: 'string', default: '4' } } });
const command = fileURLToPath(new URL('../../../packages/cli/bin/cryfold.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'cryfold-overlap-'));
const corpus = join(folder, 'corpus');

function cryfold(out: string, args: string[], expected: readonly number[] = [0]) {
  const { REDIS_URL, CRYFOLD_SERVER, ...own } = process.env;
  const env = { ...own, CRYFOLD_STORE: `file:${join(out, 'store')}` };
  const options = { encoding: 'utf8', env, cwd: corpus, maxBuffer: 2 ** 28 } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, [command, ...args, '--json'], options);
  if (!expected.includes(status ?? -1)) throw new Error(`cryfold ${args.join(' ')}: exit code ${status}\n${stderr}`);
  return JSON.parse(stdout);
}

function manifest(name: string, clips: readonly Clip[]): string {
  const path = join(folder, `${name}.csv`);
  const rows = clips.map(({ file, label, group }) => `${join('corpus', file)},${label},${group}`);
  writeFileSync(path, `path,label,group\n${rows.join('\n')}\n`);
  return path;
}

/** Share of the held-out recordings that a version predicts correctly. */
function heldOutAccuracy(model: string, out: string, heldOut: readonly Clip[]): number {
  const { predictions } = cryfold(out, ['predict', model, ...heldOut.map(({ file }) => file)]);
  const right = heldOut.filter(({ label }, i) => predictions[i].windows[0].label === label);
  return right.length / heldOut.length;
}

try {
  await synthesizeCorpus(corpus, { seed: 0 });
  const { clips } = await readDataset(corpus);
  const order = new RandomState(Number(values.seed)).permutation(clips.length);
  const shuffled = Array.from(order, (clip) => clips[clip]);
  const champion = manifest('champion', shuffled.slice(0, CHAMPION));
  const heldOut = shuffled.slice(-HELD_OUT);
  for (const [i, { clips: total, known, folds, repeats }] of CASES.entries()) {
    const out = join(folder, `out${i}`);
    const spec = join(folder, `spec${i}.yaml`);
    const protocol = `{ folds: ${folds}, repeats: ${repeats}, splitter: RepeatedStratifiedKFold }`;
    writeFileSync(spec, `version: 1\nname: cry\nprotocol: ${protocol}\nestimators:\n  svm: { kind: svm }\n`);
    const retrain = ['retrain', spec, '--model', 'cry', '--data'];
    cryfold(out, [...retrain, champion]);
    const added = shuffled.slice(CHAMPION, CHAMPION + total - known);
    const data = manifest(`new${i}`, [...shuffled.slice(0, known), ...added]);
    const { outcome, reason, evidence } = cryfold(out, [...retrain, data], [0, 8]);
    const { card } = cryfold(out, ['train-final', evidence.challenger.run, '--name', 'challenger']);
    const percent = (value: number) => `${(100 * value).toFixed(2)} %`;
    const before = heldOutAccuracy(`cry@${evidence.champion.version}`, out, heldOut);
    const after = heldOutAccuracy(`challenger@${card.version}`, out, heldOut);
    console.log(`${total} clips, ${known} of them known, ${repeats}x${folds} folds: ${outcome}, ${reason}`);
    console.log(`  on ${HELD_OUT} held-out clips: champion ${percent(before)}, challenger ${percent(after)}`);
  }
} finally {
  rmSync(folder, { recursive: true });
}
