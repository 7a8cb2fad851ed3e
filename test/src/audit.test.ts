import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Random } from '@cryfold/core';
import { encodeWav } from '@cryfold/corpus';
import { type Audit, decodeResults } from '@cryfold/evaluation';
import { cryfold, ownStore, temporaryFolder } from './command.js';
import { withoutRedis } from './testbed.js';

const RATE = 16000;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const path = (...parts: string[]) => join(folder.path, ...parts);

/** Returns noise in bursts whose level varies. Every seed uses the same random process. */
function bursts(seed: number, seconds = 1): Float64Array {
  const random = new Random(seed);
  const [level, pace] = [0.05 + 0.1 * random.uniform(), 2 + 6 * random.uniform()];
  return Float64Array.from(
    { length: RATE * seconds },
    (_, i) => level * random.normal() * (0.2 + Math.abs(Math.sin((pace * i) / RATE))),
  );
}

async function put(file: string, samples: Float64Array, rate = RATE): Promise<void> {
  await mkdir(path(file, '..'), { recursive: true });
  await writeFile(path(file), encodeWav(samples, rate));
}

before(async () => {
  folder = await temporaryFolder();
  for (let i = 0; i < 12; i++) {
    for (const [c, label] of ['a', 'b'].entries()) {
      const samples = bursts(2 * i + c);
      await put(`clean/${label}/${i}.wav`, samples);
      // The same sounds, but one class was recorded at a quarter of the sampling rate.
      const own = c === 0 ? samples : samples.filter((_, at) => at % 4 === 0);
      await put(`rates/${label}/${i}.wav`, own, c === 0 ? RATE : RATE / 4);
      await put(`overlaps/${label}/${i}.wav`, samples);
    }
  }
  const long = bursts(99, 2);
  await put('overlaps/a/first.wav', long.subarray(0, RATE));
  await put('overlaps/a/later.wav', long.subarray(RATE / 2, (3 * RATE) / 2));
  await put('overlaps/b/equal.wav', bursts(0));
  await writeFile(
    path('svm.yaml'),
    'version: 1\nname: svm\nprotocol: { folds: 2, repeats: 1 }\nestimators: { svm: { kind: svm } }\n',
  );
});
after(() => folder?.remove());

async function audit(data: string, ...flags: string[]) {
  const { code, stdout, stderr } = await cryfold(['data', 'audit', path(data), '--json', ...flags]);
  assert.equal(code, 0, stderr + stdout);
  return JSON.parse(stdout) as Audit & { contentHash: string; skipped: { file: string; code: string }[] };
}

const warnings = ({ findings }: Audit) =>
  findings.flatMap(({ kind, severity }) => (severity === 'warning' ? [kind] : []));

test('reports a sampling rate that reveals the class', async () => {
  const found = await audit('rates');
  assert.deepEqual(warnings(found), ['property-tells-class', 'file-properties-predict']);
  assert.match(found.findings[0].text, /class a has 16,000 Hz, class b has 4,000 Hz/);
  const text = await cryfold(['data', 'audit', path('rates')]);
  assert.match(
    text.stdout,
    /^rates: 24 recordings, 24 clips, 2 classes, read as folders\n\nwarning: The sampling rate/,
  );
});

test('does not warn about a clean corpus', async () => {
  const found = await audit('clean');
  assert.deepEqual(warnings(found), []);
  assert.equal(typeof found.predictability, 'object');
  assert.deepEqual(
    found.perClass.map(({ rates }) => rates),
    [[{ value: RATE, recordings: 12 }], [{ value: RATE, recordings: 12 }]],
  );
});

test('finds planted overlaps, and a sound with two labels', async () => {
  const found = await audit('overlaps');
  assert.deepEqual(found.sounds, { shared: 2, clips: 4, inSeveralClasses: 1, inSeveralGroups: 2 });
  assert.ok(warnings(found).includes('sounds-in-several-classes'));
});

test('skips and lists bad recordings, and uses the clip length of a spec', async () => {
  for (let i = 0; i < 6; i++)
    for (const [c, label] of ['a', 'b'].entries()) await put(`mixed/${label}/${i}.wav`, bursts(2 * i + c));
  await writeFile(path('mixed', 'a', 'bad.wav'), 'text');
  await writeFile(
    path('half.yaml'),
    (await readFile(path('svm.yaml'), 'utf8')).concat('features: { clipSeconds: 0.5 }\n'),
  );
  const found = await audit('mixed', '--spec', path('half.yaml'));
  assert.deepEqual(
    found.skipped.map(({ file, code }) => [file, code]),
    [['a/bad.wav', 'WAV_INVALID']],
  );
  assert.deepEqual([found.recordings, found.clips], [12, 24]);
});

test('shows a run’s warnings once for all protocols, and keeps the audit in results and report', {
  skip: withoutRedis,
}, async () => {
  const flags = ['--data', path('rates'), ...ownStore(path('out')), '--workers', '1'];
  const ran = await cryfold([
    'run',
    path('svm.yaml'),
    ...flags,
    '--protocol',
    'paper',
    '--folds',
    '2',
    '--repeats',
    '1',
  ]);
  assert.equal(ran.code, 0, ran.stderr);
  const lines = ran.stderr.split('\n').filter((line) => line.startsWith('audit: '));
  assert.equal(lines.length, 3, ran.stderr);
  assert.match(lines[0], /sampling rate alone distinguishes classes/);
  assert.match(lines[2], /all figures: .*data audit/);

  const [run] = await readdir(path('out', 'store', 'runs'));
  const stored = (name: string) => readFile(path('out', 'store', 'runs', run, name), 'utf8');
  const results = decodeResults(await stored('results.json'), run);
  const { contentHash, ...alone } = await audit('rates');
  assert.equal(results.dataset.contentHash, contentHash);
  assert.deepEqual(results.audit?.perClass, alone.perClass);
  assert.deepEqual(results.audit?.findings, alone.findings);
  assert.match(await stored('report.html'), /<h2 id="audit">Data audit<\/h2>/);
});
