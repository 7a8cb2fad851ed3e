import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CryfoldError } from '@cryfold/core';
import { readClips, readDataset } from '../src/dataset.js';
import { inspectDataset } from '../src/dataset-tools.js';
import { CHILLANTO_CLASSES } from '../src/layouts/chillanto.js';
import { chooseSegments, synthesizeCorpus } from '../src/synth.js';

let base: string;
before(async () => {
  base = await mkdtemp(join(tmpdir(), 'cryfold-synth-'));
});
after(() => rm(base, { recursive: true }));

function tally(segments: readonly { code: string; infant: string }[]) {
  const count = (code: string) => segments.filter((segment) => segment.code === code);
  return Object.fromEntries(
    Object.entries(CHILLANTO_CLASSES).map(([code, label]) => [
      label,
      [count(code).length, new Set(count(code).map(({ infant }) => infant)).size],
    ]),
  );
}

test("the whole synthetic corpus has the paper's clips, classes and infants, and unique names", () => {
  const segments = chooseSegments();
  assert.deepEqual(tally(segments), {
    normal: [507, 5],
    hunger: [350, 33],
    pain: [192, 23],
    deaf: [879, 6],
    asphyxia: [340, 6],
  });
  assert.equal(new Set(segments.map(({ file }) => file)).size, 2268);
});

const layout = fileURLToPath(new URL('../../../../../shared/data/chillanto-layout.csv', import.meta.url));
test('the corpus has the published layout', { skip: !existsSync(layout) && `${layout} is not there` }, async () => {
  // The class column ends in a stray carriage return; only code, infant and segments matter.
  const rows = [...(await readFile(layout, 'utf8')).matchAll(/,(\d{3}),(\d{4}),(\d+)$/gm)];
  const counts = new Map<string, number>();
  for (const { code, infant } of chooseSegments()) {
    counts.set(`${code} ${infant}`, (counts.get(`${code} ${infant}`) ?? 0) + 1);
  }
  assert.deepEqual(counts, new Map(rows.map(([, code, infant, segments]) => [`${code} ${infant}`, Number(segments)])));
});

test('a smaller synthetic corpus is a stratified subset of the full one, with two or more infants per class', () => {
  const whole = new Set(chooseSegments().map(({ file }) => file));
  for (const clips of [25, 26, 60, 100, 299, 300, 1000, 2000, 2267]) {
    const segments = chooseSegments(clips);
    assert.equal(new Set(segments.map(({ file }) => file)).size, clips);
    assert.ok(segments.every(({ file }) => whole.has(file)));
    const sizes = { normal: 507, hunger: 350, pain: 192, deaf: 879, asphyxia: 340 };
    for (const [label, size] of Object.entries(sizes)) {
      const [kept, infants] = tally(segments)[label];
      assert.ok(Math.abs(kept - (size * clips) / 2268) < 1, `${clips} clips: ${kept} of ${label}`);
      assert.ok(infants >= 2, `${clips} clips: ${infants} infants of ${label}`);
    }
  }
  for (const clips of [0, 24, 2269, 50.5, Number.NaN]) {
    assert.throws(
      () => chooseSegments(clips),
      (error) => error instanceof CryfoldError && error.code === 'USAGE',
    );
  }
});

test('the bytes of a clip depend only on name and seed, and a directory never contains a partial corpus', async () => {
  const [one, two, three, more] = ['one', 'two', 'deep/three', 'more'].map((name) => join(base, name));
  const progress: number[] = [];
  const made = await synthesizeCorpus(one, { clips: 30, onProgress: (done, total) => progress.push(done, total) });
  assert.deepEqual([made.clips, made.written, progress], [30, true, [30, 30]]);
  await synthesizeCorpus(two, { clips: 30, seed: 0 });
  await synthesizeCorpus(three, { clips: 30, seed: 1 });
  await synthesizeCorpus(more, { clips: 60 });
  const names = await readdir(one);
  assert.equal(names.length, 31);
  assert.deepEqual(await readdir(two), names);
  const shared = new Set((await readdir(more)).filter((name) => names.includes(name)));
  assert.ok(shared.size > 10);
  for (const name of names.filter((name) => name.endsWith('.wav'))) {
    const bytes = await readFile(join(one, name));
    assert.ok(bytes.equals(await readFile(join(two, name))), name);
    if (shared.has(name)) assert.ok(bytes.equals(await readFile(join(more, name))), `${name} within a larger corpus`);
    assert.ok(!bytes.equals(await readFile(join(three, name))), `${name} with another seed`);
  }
  assert.equal((await synthesizeCorpus(one, { clips: 30 })).written, false);

  const broken = join(base, 'broken');
  const stop = () => {
    throw new Error('stop');
  };
  await assert.rejects(synthesizeCorpus(broken, { clips: 60, onProgress: stop }), /stop/);
  const usage = (expected: RegExp) => (error: unknown) =>
    error instanceof CryfoldError && error.code === 'USAGE' && expected.test(error.message);
  await assert.rejects(synthesizeCorpus(one, { clips: 30, seed: 1 }), usage(/already exists/));
  await writeFile(join(base, 'file'), 'x');
  await assert.rejects(synthesizeCorpus(join(base, 'file'), { clips: 30 }), usage(/already exists/));
  await assert.rejects(synthesizeCorpus(join(base, 'file/below'), { clips: 30 }), usage(/already exists|written/));
  assert.deepEqual(
    (await readdir(base)).sort(),
    ['deep', 'file', 'more', 'one', 'two'],
    'nothing half-written is left',
  );
});

test('the synthetic corpus is read as Chillanto, and no two clips are the same', async () => {
  const directory = join(base, 'three-hundred');
  await synthesizeCorpus(directory, { clips: 300 });
  const dataset = await readDataset(directory);
  assert.deepEqual([dataset.reader, dataset.grouped, dataset.skipped], ['chillanto', true, []]);
  const { clips, groups, rates, seconds } = inspectDataset(dataset);
  assert.deepEqual([clips, groups, seconds], [300, new Set(chooseSegments(300).map(({ infant }) => infant)).size, 300]);
  assert.deepEqual(rates, [{ rate: 11025, clips: 300 }]);
  assert.equal(new Set(dataset.clips.map(({ hash }) => hash)).size, 300, 'no two clips are the same');

  for await (const { samples } of readClips(dataset)) {
    assert.ok(samples.every((sample) => Math.abs(sample) <= 1));
  }
});
