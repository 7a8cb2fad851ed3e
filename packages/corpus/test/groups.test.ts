import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { CryfoldError, Random } from '@cryfold/core';
import { type ReadOptions, readDataset } from '../src/dataset.js';
import { inspectDataset } from '../src/dataset-tools.js';
import { parseGroupBy } from '../src/groups/group-by.js';
import { segmentNames } from '../src/groups/segments.js';
import { encodeWav } from '../src/wav.js';

let base: string;
let root: string;
let serial = 0;
before(async () => {
  base = await mkdtemp(join(tmpdir(), 'cryfold-groups-'));
});
after(() => rm(base, { recursive: true }));
beforeEach(() => {
  root = join(base, `data-${serial++}`);
});

/** Writes one second of noise that is different for each name. */
async function put(...files: string[]): Promise<void> {
  for (const file of files) {
    const random = new Random([...file].reduce((sum, letter) => 31 * sum + letter.charCodeAt(0), 7) >>> 0);
    const samples = Float64Array.from({ length: 500 }, () => (random.below(60000) - 30000) / 32768);
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), encodeWav(samples, 500));
  }
}

const SEGMENTS = ['low', 'high'].flatMap((label) =>
  [0, 1, 2].flatMap((rec) => [1, 2].map((part) => `${label}/rec${rec}_0${part}.wav`)),
);

const read = (options?: ReadOptions, ...below: string[]) => readDataset(join(root, ...below), options);
const groupsOf = async (options?: ReadOptions, ...below: string[]) => [
  ...new Set((await read(options, ...below)).clips.map(({ group }) => group)),
];

async function fails(code: string, expected: RegExp, action: Promise<unknown>): Promise<void> {
  await assert.rejects(action, (error) => {
    assert.ok(error instanceof CryfoldError, String(error));
    assert.equal(error.code, code);
    assert.match(`${error.message}\n${error.hint}`, expected);
    return true;
  });
}

test('reports unknown groups for class folders, and suggests groups if file names look like parts of recordings', async () => {
  await put(...SEGMENTS);
  const { groupSource, groupHints } = await read();
  assert.deepEqual(groupSource, { kind: 'none' });
  const offers = [...groupHints.join('\n').matchAll(/--group-by '([^']+)', which forms (\d+) groups/g)];
  assert.deepEqual(
    offers.map(([, , count]) => Number(count)),
    [3, 6],
    'rec0 of low and of high may be the same speaker',
  );
  const [, [, pattern]] = offers;
  const grouped = await read({ groupBy: pattern });
  assert.deepEqual(grouped.groupSource, { kind: 'pattern', name: pattern });
  assert.deepEqual(grouped.groupHints, []);
  assert.equal(new Set(grouped.clips.map(({ group }) => group)).size, 6);
  assert.match(inspectDataset(grouped).groupPreview, /^6 groups from 12 recordings, 2 each/);
});

test('does not mistake unrelated numbered names for parts of recordings', () => {
  const numbered = (name: (i: number) => string) =>
    ['low', 'high'].flatMap((c) => [1, 2, 3, 4].map((i) => `${c}/${name(i)}.wav`));
  assert.equal(segmentNames(numbered((i) => `${i}`)), undefined);
  assert.equal(segmentNames(numbered((i) => `low_${i}`)), undefined, 'one stem per class');
  assert.equal(segmentNames(numbered((i) => `speaker${i}`)), undefined);
  assert.equal(segmentNames(numbered((i) => `speaker${i}_1`)), undefined, 'one part of each');
  for (const name of [
    (i: number) => `b${i % 2}-part${i}`,
    (i: number) => `b${i % 2} ${i}`,
    (i: number) => `a.b${i % 2}.${i}`,
  ]) {
    const files = numbered(name);
    const found = segmentNames(files);
    assert.equal(found?.recordings, 2, name(1));
    assert.equal(found.recordingsWithFolder, 4, name(1));
    for (const [text, count] of [[found.pattern, 2] as const, [found.withFolder, 4] as const]) {
      const pattern = new RegExp(text, 'u');
      assert.equal(new Set(files.map((file) => pattern.exec(file)?.[1])).size, count, text);
    }
  }
});

test('--group-by groups by recording, folder or pattern, and reports files without a group', async () => {
  await put('low/speaker0/a.wav', 'low/speaker1/b.wav', 'high/speaker0/c.wav', 'high/speaker1/d.wav');
  assert.match((await read()).groupHints.join(), /speaker0, speaker1.* look like groups.*--group-by folder/);
  assert.deepEqual(await groupsOf({ groupBy: 'folder' }), ['speaker0', 'speaker1']);
  assert.deepEqual(await groupsOf({ groupBy: 'recording' }), [
    'high/speaker0/c',
    'high/speaker1/d',
    'low/speaker0/a',
    'low/speaker1/b',
  ]);
  assert.deepEqual(await groupsOf({ groupBy: 'speaker\\d' }), ['speaker0', 'speaker1']);
  await fails('DATA_BAD', /high\/speaker1\/d\.wav.*finds no group/, read({ groupBy: 'speaker0' }));
  await fails('USAGE', /matches no path, such as high/, read({ groupBy: 'child' }));
  await put('low/e.wav');
  await fails(
    'DATA_NAME_INVALID',
    /low\/e\.wav: is in no folder other than its class folder/,
    read({ groupBy: 'folder' }),
  );
  for (const wrong of ['', '(', 'x'.repeat(501)]) {
    assert.throws(() => parseGroupBy(wrong), { code: 'USAGE' });
  }
});

test('warns if the same name forms a group in the folder of every class', async () => {
  await put(...SEGMENTS);
  const { warnings } = await read({ groupBy: '^(.+)_' });
  assert.match(warnings.join('\n'), /3 names of --group-by form a group in each of several classes .*low\/rec0/);
  assert.deepEqual((await read({ groupBy: '([^/]+)_' })).warnings, []);
});

test('in deeper trees, only the class folder counts as the class', async () => {
  const nested = ['low', 'high'].flatMap((label) =>
    ['spk1', 'spk2'].flatMap((speaker) => [1, 2].map((i) => `${label}/${speaker}/rec_${i}.wav`)),
  );
  await put(...nested, 'high/spk3/rec_1.wav');
  assert.equal(segmentNames(nested)?.recordings ?? 4, 4, 'not one group of all speakers');
  const { warnings } = await read({ groupBy: '^(.+)_' });
  assert.match(warnings.join('\n'), /2 names .* \((low|high)\/spk1\/rec, (low|high)\/spk1\/rec\)/);
  assert.deepEqual((await read({ groupBy: '(spk\\d)' })).warnings, []);
});

test('reports a misspelt manifest column once, and lists the existing columns', async () => {
  await put(...SEGMENTS);
  const rows = SEGMENTS.map((file) => `${file},${file.split('/')[0]},x`);
  await writeFile(join(root, 'list.csv'), ['path,label,baby', ...rows].join('\n'));
  await fails(
    'USAGE',
    /"bby" is not a column.*Did you mean baby\?.*path, label, baby/s,
    read({ groupBy: 'bby' }, 'list.csv'),
  );
});

test('declaring groups changes the content hash, even if the groups themselves stay the same', async () => {
  await put('low/a.wav', 'high/b.wav');
  const [unknown, stated] = [await read(), await read({ groupBy: 'recording' })];
  assert.deepEqual([unknown.groupSource.kind, stated.groupSource.kind], ['none', 'recording']);
  assert.notEqual(unknown.contentHash, stated.contentHash);
});

test('finds manifest columns despite case and blanks, lists ignored ones, and suggests group columns', async () => {
  await put('a.wav', 'b.wav', 'c.wav');
  const csv = async (header: string) =>
    writeFile(join(root, 'm.csv'), `${header}\na.wav,low,g1,n\nb.wav,low,g1,n\nc.wav,high,g2,n\n`);
  for (const name of ['group', 'Group', ' GROUP ']) {
    await csv(`Path, label,${name},note`);
    const { groupSource, clips, warnings } = await read({}, 'm.csv');
    assert.deepEqual(groupSource, { kind: 'column', name: name.trim() });
    assert.deepEqual(
      clips.map(({ group }) => group),
      ['g1', 'g1', 'g2'],
    );
    assert.deepEqual(warnings, ['ignored columns: "note"']);
  }
  for (const name of ['infant', 'groups', 'subject_id', 'Speaker', 'patient id', 'src_file']) {
    await csv(`path,label,${name},note`);
    const { groupSource, warnings, groupHints } = await read({}, 'm.csv');
    assert.deepEqual(groupSource, { kind: 'none' });
    assert.deepEqual(warnings, [`ignored columns: "${name}", "note"`]);
    assert.ok(groupHints[0].includes(`--group-by "${name}"`), groupHints[0]);
    const grouped = await read({ groupBy: name }, 'm.csv');
    assert.deepEqual(grouped.groupSource, { kind: 'column', name });
    assert.deepEqual(grouped.groupHints, []);
    assert.deepEqual(
      grouped.clips.map(({ group }) => group),
      ['g1', 'g1', 'g2'],
    );
  }
  await csv('path,class,group,note');
  await fails('DATA_MANIFEST_INVALID', /there is no column label\nRename class to label/, read({}, 'm.csv'));
  await csv('path,label,group,Group ');
  await fails('DATA_MANIFEST_INVALID', /two columns are named Group/, read({}, 'm.csv'));
});

test('treats the groups of a manifest as unknown if all are empty, and otherwise counts the empty ones', async () => {
  await put('a.wav', 'b.wav');
  await writeFile(join(root, 'm.csv'), 'path,label,group\na.wav,low, \nb.wav,high,\n');
  assert.deepEqual((await read({}, 'm.csv')).groupSource, { kind: 'none' });
  await writeFile(join(root, 'm.csv'), 'path,label,group\na.wav,low,x\nb.wav,high,\n');
  const { groupSource, warnings } = await read({}, 'm.csv');
  assert.deepEqual(groupSource, { kind: 'column', name: 'group', partial: true });
  assert.deepEqual(warnings, ['1 of 2 recordings have no group; each counts as its own group']);
});

test('unifies the spelling of named groups, and leaves groups that are recordings unchanged', async () => {
  await put('low/speaker0/a.wav', 'low/speaker0/A.wav', 'high/Speaker0/b.wav', 'high/speaker1/c.wav');
  const byFolder = await read({ groupBy: 'folder' });
  assert.deepEqual([...new Set(byFolder.clips.map(({ group }) => group))].sort(), ['speaker0', 'speaker1']);
  assert.match(byFolder.warnings.join('\n'), /groups "Speaker0", "speaker0" differ only in case/);
  const byRecording = await read({ groupBy: 'recording' });
  assert.equal(new Set(byRecording.clips.map(({ group }) => group)).size, 4);
  assert.deepEqual(byRecording.warnings, []);
});

test('reads the same columns, warnings and folds from a manifest that a spreadsheet wrote', async () => {
  await put('low/g1/a.wav', 'high/g1/b.wav', 'high/g2/c.wav');
  const rows = ['low\\g1\\a.wav; low;1;n;n', 'high\\g1\\b.wav; high ;2;n;n', 'high\\g2\\c.wav; high;1;n;n'];
  const table = ['sep=;', ' PATH\u00a0;\u200bLabel;Fold;note;note', ...rows].join('\r\n');
  await writeFile(join(root, 'm.csv'), Buffer.from(`\ufeff${table}`, 'utf16le'));
  const { clips, warnings } = await read({ groupBy: 'folder', folds: true }, 'm.csv');
  assert.deepEqual(
    clips.map(({ label, group, fold }) => [label, group, fold].join(' ')),
    ['low g1 1', 'high g1 2', 'high g2 1'],
  );
  assert.match(warnings[0], /^ignored columns: "note", "note"$/);
  assert.match(warnings[1], /class "high" has 2 spellings/);
});
