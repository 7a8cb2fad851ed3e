import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { CryfoldError, Random } from '@cryfold/core';
import { type ReadOptions, readDataset } from '../src/dataset.js';
import { encodeWav } from '../src/wav.js';

let base: string;
let root: string;
let serial = 0;
before(async () => {
  base = await mkdtemp(join(tmpdir(), 'cryfold-layouts-'));
});
after(() => rm(base, { recursive: true }));
beforeEach(() => {
  root = join(base, `data-${serial++}`);
});

async function put(files: readonly string[], tables: Readonly<Record<string, string>> = {}): Promise<void> {
  for (const [seed, file] of files.entries()) {
    const random = new Random(seed);
    const samples = Float64Array.from({ length: 500 }, () => (random.below(60000) - 30000) / 32768);
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), encodeWav(samples, 500));
  }
  for (const [name, text] of Object.entries(tables)) {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), text);
  }
}

/** Returns the label, group and fold of each file. */
async function rows(options: ReadOptions = {}, below = '.'): Promise<Record<string, string>> {
  const { clips } = await readDataset(join(root, below), { folds: true, ...options });
  return Object.fromEntries(clips.map(({ file, label, group, fold }) => [file, [label, group, fold].join(' ')]));
}
const facts = async (options: ReadOptions = {}, below = '.') => {
  const { reader, groupSource, classes, warnings } = await readDataset(join(root, below), options);
  return { reader, groupSource, classes, warnings };
};

const fails = (code: string, expected: RegExp, action: Promise<unknown>) =>
  assert.rejects(action, (error) => {
    assert.ok(error instanceof CryfoldError, String(error));
    assert.equal(error.code, code);
    assert.match(`${error.message}\n${error.hint}`, expected);
    return true;
  });

const ESC = ['1-100032-A-0', '1-100032-B-0', '2-117271-A-1', '5-9032-A-1'].map((name) => `audio/${name}.wav`);
const ESC_TABLE = `filename,fold,target,category,esc10,src_file,take
1-100032-A-0.wav,1,0,dog,True,100032,A
1-100032-B-0.wav,1,0,dog,True,100032,B
2-117271-A-1.wav,2,1,rooster,True,117271,A
5-9032-A-1.wav,5,1,rooster,True,9032,A
`;

test('ESC-50: reads category, source and fold from its table, or without it from file names', async () => {
  await put(ESC, { 'meta/esc50.csv': ESC_TABLE });
  const expected = ['dog 100032 1', 'dog 100032 1', 'rooster 117271 2', 'rooster 9032 5'];
  assert.deepEqual(Object.values(await rows()), expected);
  assert.deepEqual(Object.values(await rows({}, 'audio')), expected);
  const { reader, groupSource } = await facts();
  assert.deepEqual([reader, groupSource], ['esc50', { kind: 'column', name: 'src_file' }]);
  await put(['audio/3-1-A-1.wav']);
  await fails('DATA_NAME_INVALID', /3-1-A-1\.wav: has no row/, rows());
  await rm(join(root, 'meta'), { recursive: true });
  assert.equal((await rows())[ESC[0]], '0 100032 1');
  const bare = await facts();
  assert.match(bare.warnings.join('\n'), /meta\/esc50\.csv is missing/);
  assert.deepEqual(bare.groupSource, { kind: 'file-name', name: 'source recording' });
  root = join(base, `data-${serial++}`);
  await put(['dog/1-100032-A-0.wav', 'rooster/2-117271-A-1.wav']);
  assert.deepEqual(
    Object.values(await rows()),
    ['dog 100032 1', 'rooster 117271 2'],
    'a part of the corpus in class folders',
  );
  assert.ok(!(await facts()).warnings.join().includes('missing'));
});

const URBAN = ['fold1/101415-3-0-2', 'fold1/101415-3-0-3', 'fold10/7061-6-0-0', 'fold2/5-6-0-0'].map(
  (n) => `audio/${n}.wav`,
);
const URBAN_TABLE = `slice_file_name,fsID,start,end,salience,fold,classID,class
101415-3-0-2.wav,101415,1.0,5.0,1,1,3,dog_bark
101415-3-0-3.wav,101415,1.5,5.5,1,1,3,dog_bark
7061-6-0-0.wav,7061,0,4,1,10,6,gun_shot
5-6-0-0.wav,5,0,4,1,2,6,gun_shot
`;

test('UrbanSound8K: reads class, fsID and fold from its table or file names, and reports a file in the wrong fold', async () => {
  await put(URBAN);
  const expected = ['dog_bark 101415 1', 'dog_bark 101415 1', 'gun_shot 7061 10', 'gun_shot 5 2'];
  const named = await rows();
  assert.deepEqual(
    URBAN.map((file) => named[file]),
    expected,
  );
  await put([], { 'metadata/UrbanSound8K.csv': URBAN_TABLE });
  assert.deepEqual(await rows(), named);
  const { reader, groupSource } = await facts();
  assert.deepEqual([reader, groupSource], ['urbansound8k', { kind: 'column', name: 'fsID' }]);
  await put([], { 'metadata/UrbanSound8K.csv': URBAN_TABLE.replace('1,10,6', '1,9,6') });
  await fails('DATA_NAME_INVALID', /is in fold10, but its table says fold 9/, rows());
});

test('reads train, validation and test folders at any depth as a split, and trains on validation clips', async () => {
  const files = ['train/low/a.wav', 'train/high/b.wav', 'test/low/c.wav', 'test/high/d.wav'];
  for (const place of [
    (file: string) => file,
    (file: string) => `audio/${file}`,
    (file: string) => file.replace(/^(\w+)\/(\w+)/, '$2/$1'),
  ]) {
    root = join(base, `data-${serial++}`);
    await put(files.map(place));
    const { reader, classes, groupSource } = await facts();
    assert.deepEqual([reader, classes, groupSource.kind], ['split-folders', ['high', 'low'], 'none']);
    const made = await rows();
    assert.deepEqual(
      files.map((file) => made[place(file)].split(' ').at(-1)),
      ['', '', 'test', 'test'],
    );
  }
  await put(['low/valid/e.wav', 'high/dev/f.wav']);
  assert.match((await facts()).warnings.join('\n'), /uses validation clips as training clips/);
  assert.match((await rows())['low/valid/e.wav'], / $/);
  root = join(base, `data-${serial++}`);
  await put(['Training/low/a.wav', 'Training/high/b.wav', 'val/low/c.wav', 'val/high/d.wav']);
  assert.match((await rows())['val/low/c.wav'], / validation$/);
  root = join(base, `data-${serial++}`);
  await put(['dev/low/a.wav', 'dev/high/b.wav', 'eval/low/c.wav', 'eval/high/d.wav']);
  assert.match(
    (await rows())['eval/low/c.wav'],
    / test$/,
    'trains on the development part if there is no training folder',
  );
  await put(['other/x.wav']);
  await fails('DATA_NAME_INVALID', /other\/x\.wav: is not in a folder of the split/, rows());
});

test('reads fold folders as folds, with class folders below or above them', async () => {
  await put(['fold1/low/a.wav', 'fold01/high/b.wav', 'fold2/low/c.wav', 'fold10/high/d.wav']);
  const made = await rows({ groupBy: 'recording' });
  assert.deepEqual(
    Object.values(made)
      .map((row) => row.split(' ')[2])
      .sort(),
    ['1', '1', '10', '2'],
  );
  assert.deepEqual((await facts()).classes, ['high', 'low']);
  root = join(base, `data-${serial++}`);
  await put(['low/fold1/s1/a.wav', 'high/fold1/s2/b.wav', 'low/fold2/s1/c.wav', 'high/fold2/s2/d.wav']);
  assert.equal((await rows({ groupBy: 'folder' }))['low/fold1/s1/a.wav'], 'low s1 1');
});

test('treats speaker folders that contain class folders as groups, and class folders inside a wrapper folder as classes', async () => {
  await put([0, 1, 2].flatMap((k) => ['low', 'high'].map((label) => `speaker${k}/${label}/${k}.wav`)));
  assert.deepEqual(await facts(), {
    ...{ reader: 'group-folders', groupSource: { kind: 'folder' }, classes: ['high', 'low'], warnings: [] },
  });
  assert.equal((await rows())['speaker2/low/2.wav'], 'low speaker2 ');
  root = join(base, `data-${serial++}`);
  await put(['mydata/low/a.wav', 'mydata/high/b.wav']);
  assert.deepEqual((await facts()).classes, ['high', 'low']);
});

test('rejects ambiguous folder layouts and shows both interpretations, unless --layout selects one', async () => {
  await put(['cry/pain/a.wav', 'cry/hunger/b.wav', 'other/noise/c.wav', 'other/laugh/d.wav']);
  const drawn =
    /--layout folders: the first folder[\s\S]*- cry: 2, such as cry\/hunger\/b\.wav[\s\S]*--layout inner-folders: the last[\s\S]*- pain: 1[\s\S]*Choose one with --layout folders or --layout inner-folders/;
  await fails('LAYOUT_UNCLEAR', drawn, facts());
  assert.deepEqual((await facts({ layout: 'folders' })).classes, ['cry', 'other']);
  assert.deepEqual((await facts({ layout: 'inner-folders' })).classes, ['hunger', 'laugh', 'noise', 'pain']);
  await fails('USAGE', /no layout "x"[\s\S]*esc50/, facts({ layout: 'x' }));
  root = join(base, `data-${serial++}`);
  await put(['s1', 's2'].flatMap((s) => ['low', 'mid', 'high'].map((label) => `${s}/${label}/a.wav`)));
  await fails('LAYOUT_UNCLEAR', /--layout group-folders[\s\S]*--layout folders[\s\S]*--layout inner-folders/, facts());
  assert.equal((await rows({ layout: 'group-folders' }))['s2/mid/a.wav'], 'mid s2 ');
});

test('AudioFolder: reads groups from metadata.csv files, and folds from these files or from folders', async () => {
  await put(['a.wav', 'sub/b.wav'], {
    'metadata.csv': 'file_name,label,Group,text\na.wav,low,x,hi\nsub/b.wav,high,y,ho\n',
  });
  assert.deepEqual(await rows(), { 'a.wav': 'low x ', 'sub/b.wav': 'high y ' });
  const { reader, groupSource, warnings } = await facts();
  assert.deepEqual([reader, groupSource], ['audiofolder', { kind: 'column', name: 'Group' }]);
  assert.deepEqual(warnings, ['ignored columns: "text"']);
  await put(['c.wav']);
  await fails('DATA_NAME_INVALID', /c\.wav: is not in metadata\.csv/, rows());
  root = join(base, `data-${serial++}`);
  await put(['train/a.wav', 'test/b.wav'], {
    'train/metadata.csv': 'file_name,label\na.wav,low\n',
    'test/metadata.csv': 'file_name,label\nb.wav,high\n',
  });
  assert.deepEqual(await rows(), { 'train/a.wav': 'low train/a.wav ', 'test/b.wav': 'high test/b.wav test' });
});

test('folds in the data are part of the content hash only on request', async () => {
  await put(['fold1/low/a.wav', 'fold2/high/b.wav']);
  const [plain, folded] = [await readDataset(root), await readDataset(root, { folds: true })];
  assert.ok(plain.clips.every((clip) => !('fold' in clip)));
  assert.match(plain.warnings.join(), /--protocol predefined/);
  assert.notEqual(plain.contentHash, folded.contentHash);
});

test('rejects recordings without folders whose names do not contain a class', async () => {
  await put(['low_1.wav', 'low_2.wav', 'high_1.wav']);
  await fails('DATA_BAD', /3 of 3 recordings.*is not in a class folder.*path,label,group/s, readDataset(root));
});

test('reads a directory through a link to it', async () => {
  await put(['low/1.wav', 'high/2.wav']);
  await symlink(root, `${root}-link`);
  const [own, linked] = [await readDataset(root), await readDataset(`${root}-link`)];
  assert.deepEqual(linked.clips, own.clips);
});
