import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CryfoldError, Random } from '@cryfold/core';
import { type Dataset, readClips, readDataset } from '../src/dataset.js';
import { findClips } from '../src/find-clips.js';
import { encodeWav } from '../src/wav.js';

const RATE = 1000;
let base: string;
let root: string;
let serial = 0;
before(async () => {
  base = await mkdtemp(join(tmpdir(), 'cryfold-dataset-'));
});
after(() => rm(base, { recursive: true }));
beforeEach(async () => {
  root = join(base, `data-${serial++}`);
  await mkdir(root);
});

/** Returns noise of the given duration in seconds, which depends on `seed` and consists of 16-bit values. */
function noise(seconds: number, seed: number): Float64Array {
  const random = new Random(seed);
  return Float64Array.from({ length: Math.round(seconds * RATE) }, () => (random.below(60000) - 30000) / 32768);
}

async function put(file: string, content: Float64Array | Uint8Array | string): Promise<void> {
  await mkdir(dirname(join(root, file)), { recursive: true });
  await writeFile(join(root, file), content instanceof Float64Array ? encodeWav(content, RATE) : content);
}

const columns = ({ clips }: Dataset) => clips.map(({ id, label, group }) => [id, label, group]);

async function fails(code: string, expected: RegExp, action: Promise<unknown>): Promise<void> {
  await assert.rejects(action, (error) => {
    assert.ok(error instanceof CryfoldError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, expected);
    assert.ok(error.hint, 'a hint says what to do');
    return true;
  });
}

describe('readers', () => {
  test('reads class, infant and order from Chillanto names, with or without folders', async () => {
    for (const [seed, name] of ['0052002000', '0004001001', 'any/0001001002', '0025010010', 'b/0063001030'].entries()) {
      await put(`${name}.wav`, noise(1, seed));
    }
    const dataset = await readDataset(root);
    assert.equal(dataset.reader, 'chillanto');
    assert.deepEqual(dataset.classes, ['asphyxia', 'deaf', 'hunger', 'normal', 'pain']);
    assert.deepEqual(columns(dataset), [
      ['0004001001.wav#0', 'hunger', '0004'],
      ['0025010010.wav#0', 'deaf', '0025'],
      ['0052002000.wav#0', 'normal', '0052'],
      ['any/0001001002.wav#0', 'pain', '0001'],
      ['b/0063001030.wav#0', 'asphyxia', '0063'],
    ]);
  });

  test('reports or skips Chillanto and donateacry files with an odd name or an unknown code', async () => {
    for (const [seed, name] of ['0004001001', '0004002001', '0052001000'].entries())
      await put(`${name}.wav`, noise(1, seed));
    await put('0052001000 copy.wav', noise(1, 9));
    await fails('DATA_NAME_INVALID', /0052001000 copy\.wav/, readDataset(root));
    await put('0052001007.wav', noise(1, 10));
    const { clips, skipped } = await readDataset(root, { skipBad: true });
    assert.equal(clips.length, 3);
    assert.deepEqual(
      skipped.map(({ file, code }) => [file, code]),
      [
        ['0052001000 copy.wav', 'DATA_NAME_INVALID'],
        ['0052001007.wav', 'DATA_NAME_INVALID'],
      ],
    );
  });

  const instance = '0D1AD73E-4C5E-45F3-85C4-9A3CB71E8856';
  const android = '0c8f14a9-6999-485b-97a2-913c1cbf099c';

  test('reads the app instance from donateacry names, and the class from the folder or else the reason tag', async () => {
    await put(`discomfort/${instance}-1430742197-1.0-m-04-ch.wav`, noise(2.9, 1));
    await put(`hungry/${android}-1431028888092-1.7-f-26-hu.wav`, noise(1, 2));
    const foldered = await readDataset(root);
    assert.equal(foldered.reader, 'donateacry');
    assert.deepEqual(columns(foldered), [
      [`discomfort/${instance}-1430742197-1.0-m-04-ch.wav#0`, 'discomfort', instance],
      [`discomfort/${instance}-1430742197-1.0-m-04-ch.wav#1`, 'discomfort', instance],
      [`hungry/${android}-1431028888092-1.7-f-26-hu.wav#0`, 'hungry', android],
    ]);
    assert.equal(foldered.grouped, true);
    assert.equal(foldered.recordings, 2);
    root = join(base, `data-${serial++}`);
    await put(`${instance}-1430742197-1.0-m-04-bp.wav`, noise(1, 1));
    await put(`${android}-1431028888092-1.7-f-26-hu.wav`, noise(1, 2));
    assert.deepEqual((await readDataset(root)).classes, ['belly_pain', 'hungry']);
  });

  test('reads folders as classes, and recordings as groups if a recording has several clips', async () => {
    await put('dog/b.wav', noise(1, 1));
    await put('dog/deep/a.WAV', noise(1, 2));
    await put('cat/a.wav', noise(1, 3));
    await put('cat/._a.wav', 'a macOS resource fork');
    await put('cat/notes.txt', 'no audio');
    const dataset = await readDataset(root);
    assert.equal(dataset.reader, 'folders');
    assert.equal(dataset.grouped, false);
    assert.deepEqual(columns(dataset), [
      ['cat/a.wav#0', 'cat', 'cat/a.wav'],
      ['dog/b.wav#0', 'dog', 'dog/b.wav'],
      ['dog/deep/a.WAV#0', 'dog', 'dog/deep/a.WAV'],
    ]);
    await put('cat/long.wav', noise(2, 4));
    assert.equal((await readDataset(root)).grouped, true);
    await put('stray.wav', noise(1, 5));
    await fails('DATA_NAME_INVALID', /stray\.wav: is not in a class folder/, readDataset(root));
  });

  test('reads each folder once, despite circular links, and reports the links', { timeout: 30_000 }, async () => {
    for (const [seed, file] of ['x/1.wav', 'y/2.wav', 'y/deep/3.wav'].entries()) await put(file, noise(1, seed));
    const elsewhere = join(base, `elsewhere-${serial}`);
    await mkdir(elsewhere);
    await writeFile(join(elsewhere, '4.wav'), encodeWav(noise(1, 4), RATE));
    await symlink(elsewhere, join(root, 'z'));
    const whole = await readDataset(root);
    assert.deepEqual(
      whole.clips.map(({ id }) => id),
      ['x/1.wav#0', 'y/2.wav#0', 'y/deep/3.wav#0', 'z/4.wav#0'],
    );
    // These circular links result in many different paths, which may pass through up to 40 links.
    for (const [name, target] of Object.entries({ 'x/up': '..', 'y/up': '..', 'y/deep/x': '../../x' })) {
      await symlink(target, join(root, name));
    }
    const dataset = await readDataset(root);
    assert.deepEqual(columns(dataset), columns(whole));
    assert.deepEqual(dataset.skipped.map(({ file }) => file).sort(), ['x/up', 'y/deep/x', 'y/up']);
  });

  test('reads labels, groups and order from a manifest with quoted fields and columns in any order', async () => {
    for (const [seed, file] of ['z.wav', 'a, "b".wav', 'sub/c.wav'].entries()) await put(file, noise(2, seed));
    const csv =
      '\uFEFFgroup,note,label,path\r\n7,"two\r\nlines","x, y",z.wav\r\n\r\n,,x,"a, ""b"".wav"\r\n7,,x,./sub/c.wav';
    await put('list.csv', csv);
    const dataset = await readDataset(join(root, 'list.csv'));
    assert.deepEqual([dataset.name, dataset.reader], ['list', 'manifest']);
    assert.deepEqual(columns(dataset), [
      ['z.wav#0', 'x, y', '7'],
      ['z.wav#1', 'x, y', '7'],
      ['a, "b".wav#0', 'x', 'a, "b".wav'],
      ['a, "b".wav#1', 'x', 'a, "b".wav'],
      ['sub/c.wav#0', 'x', '7'],
      ['sub/c.wav#1', 'x', '7'],
    ]);
  });

  test('reads the fold column only on request, and then includes it in the content hash', async () => {
    for (const [i, name] of ['a', 'b', 'c'].entries()) await put(`${name}.wav`, noise(2, i));
    await put('list.csv', 'path,label,fold\na.wav,x,1\nb.wav,y, 2 \nc.wav,x,\n');
    const [plain, folded] = await Promise.all(
      [false, true].map((folds) => readDataset(join(root, 'list.csv'), { folds })),
    );
    assert.deepEqual(
      folded.clips.map(({ fold }) => fold),
      ['1', '1', '2', '2', '', ''],
    );
    assert.ok(plain.clips.every((clip) => !('fold' in clip)));
    assert.notEqual(plain.contentHash, folded.contentHash);
    await put('list.csv', 'path,label\na.wav,x\nb.wav,y\n');
    const read = readDataset(join(root, 'list.csv'), { folds: true });
    await fails('DATA_MANIFEST_INVALID', /list\.csv:1: there is no column fold/, read);
  });

  test('reports a broken manifest with the line and a hint', async () => {
    await put('a.wav', noise(1, 1));
    await put('b.wav', noise(1, 2));
    const read = async (csv: string, skipBad = false) => {
      await put('list.csv', csv);
      return readDataset(join(root, 'list.csv'), { skipBad });
    };
    const code = 'DATA_MANIFEST_INVALID';
    await fails(code, /list\.csv:1: the manifest is empty/, read(''));
    await fails(code, /list\.csv:1: there is no column label/, read('path,class\na.wav,x\n'));
    await fails(code, /list\.csv:2: there is no column path/, read('\nfile,label\na.wav,x\n'));
    await fails(code, /list\.csv:3: 3 fields under 2 columns/, read('path,label\na.wav,x\nb.wav,x,y\n'));
    await fails(code, /list\.csv:4: a quote is not closed/, read('path,label\na.wav,"x\ny"\n"b.wav,x\n'));
    await fails(code, /list\.csv:2: a quote/, read('path,label\na"b.wav,x\n'));
    await fails('DATA_EMPTY', /list\.csv: does not list any recording/, read('path,label\n'));
    const rows = [' ,x', 'a.wav,', 'c.wav,x', '.,x', 'a.wav,x', 'b.wav,y', './a.wav,y'];
    await fails(code, /list\.csv:3: label is empty for a\.wav/, read(`path,label\n${rows.slice(4, 5)}\na.wav,\n`));
    await fails(code, /list\.csv:2: c\.wav is not a file/, read(`path,label\n${rows[2]}\n`));
    const { clips, skipped } = await read(`path,label\n${rows.join('\n')}\n`, true);
    assert.deepEqual(
      clips.map(({ file, label }) => [file, label]),
      [
        ['a.wav', 'x'],
        ['b.wav', 'y'],
      ],
    );
    assert.ok(skipped.every((entry) => entry.code === code));
    assert.deepEqual(
      skipped.map(({ message }) => Number(/:(\d+):/.exec(message)?.[1])),
      [2, 3, 4, 5, 8],
    );
  });
});

describe('clips', () => {
  test('cuts a recording from its start into complete clips, and readClips returns exactly those samples', async () => {
    const long = noise(3.7, 1);
    const short = noise(0.6, 2);
    await put('x/long.wav', long);
    await put('y/short.wav', short);
    const dataset = await readDataset(root);
    assert.deepEqual(
      dataset.clips.map(({ file, start, length, rate }) => [file, start, length, rate]),
      [
        ['x/long.wav', 0, 1000, RATE],
        ['x/long.wav', 1000, 1000, RATE],
        ['x/long.wav', 2000, 1000, RATE],
        ['y/short.wav', 0, 1000, RATE],
      ],
    );
    const samples: number[][] = [];
    for await (const clip of readClips(dataset)) samples.push([...clip.samples]);
    assert.deepEqual(samples.slice(0, 3).flat(), [...long.subarray(0, 3000)]);
    assert.deepEqual(samples[3], [...short, ...new Array<number>(400).fill(0)], 'padded with zeros at its end');
    const halves = await readDataset(root, { clipSeconds: 0.5 });
    assert.equal(halves.clips.length, 7 + 1);
  });

  test('readClips reads a part of a dataset, and detects a changed file', async () => {
    await put('x/a.wav', noise(2, 1));
    await put('y/b.wav', noise(1, 2));
    const dataset = await readDataset(root);
    const part = { root: dataset.root, clips: dataset.clips.slice(1) };
    const ids: string[] = [];
    for await (const { clip } of readClips(part)) ids.push(clip.id);
    assert.deepEqual(ids, ['x/a.wav#1', 'y/b.wav#0']);
    await put('y/b.wav', noise(1, 3));
    await fails('DATA_CHANGED', /y\/b\.wav#0/, drain(readClips(part)));
  });

  test('the hash depends on samples, rate and length, not on the encoding', async () => {
    const sound = noise(1, 1);
    const float = encodeFloat(sound, RATE);
    await put('x/16.wav', sound);
    await put('x/float.wav', float);
    const other = sound.slice();
    other[500] += 1 / 32768;
    await put('y/other.wav', other);
    await put('y/rate.wav', encodeWav(sound, RATE + 1));
    const [a, b, c, d] = (await readDataset(root)).clips.map(({ hash }) => hash);
    assert.equal(a, b);
    assert.equal(new Set([a, c, d]).size, 3);
  });

  test('the content hash depends on sound, label, group, id and order, not on the location of the data', async () => {
    const write = async (rows: string[], change = 0) => {
      root = join(base, `data-${serial++}`);
      for (const [seed, file] of ['a.wav', 'b.wav', 'c.wav'].entries()) await put(file, noise(1, seed));
      if (change) await put('c.wav', noise(1, change));
      await put('list.csv', `path,label,group\n${rows.join('\n')}\n`);
      return (await readDataset(join(root, 'list.csv'))).contentHash;
    };
    const rows = ['a.wav,x,1', 'b.wav,y,2', 'c.wav,y,2'];
    const hash = await write(rows);
    assert.equal(await write(rows), hash);
    const others = await Promise.all([
      await write(rows, 77),
      await write([rows[0], rows[1], 'c.wav,x,2']),
      await write([rows[0], rows[1], 'c.wav,y,3']),
      await write([rows[1], rows[0], rows[2]]),
      await write(rows.slice(0, 2)),
    ]);
    assert.equal(new Set([hash, ...others]).size, 6);
  });
});

describe('bad input', () => {
  test('reports unreadable data with an error code and the path', async () => {
    await fails('DATA_NOT_FOUND', /nowhere/, readDataset(join(root, 'nowhere')));
    await fails('DATA_NOT_FOUND', /nowhere\.csv/, readDataset(join(root, 'nowhere.csv')));
    await put('notes.txt', 'x');
    await fails('DATA_NOT_FOUND', /notes\.txt/, readDataset(join(root, 'notes.txt')));
    await fails('DATA_EMPTY', /contains no readable recording, only 1 \.txt file \(notes\.txt\)/, readDataset(root));
    await put('x/a.wav', noise(3, 1));
    await fails('DATA_ONE_CLASS', /all 3 clips are of class x/, readDataset(root));
  });

  test('reports each bad file as a separate error, or lists it if bad files are skipped', async () => {
    const whole = encodeWav(noise(1, 1), RATE);
    await put('x/good.wav', whole);
    await put('y/good.wav', noise(1, 2));
    const notFinite = noise(1, 3);
    notFinite[10] = Number.NaN;
    const bad: [string, string, Float64Array | Uint8Array | string][] = [
      ['y/1-truncated.wav', 'WAV_INVALID', whole.subarray(0, 900)],
      ['y/2-text.wav', 'WAV_INVALID', 'not audio'],
      ['y/3-empty.wav', 'WAV_EMPTY', new Float64Array(0)],
      ['y/4-nan.wav', 'WAV_NOT_FINITE', encodeFloat(notFinite, RATE)],
      ['y/5-silent.wav', 'CLIP_SILENT', new Float64Array(2.5 * RATE).fill(0.25)],
      ['y/6-short-silent.wav', 'CLIP_SILENT', new Float64Array(0.7 * RATE).fill(0.25)],
      ['y/7-short.wav', 'CLIP_SHORT', noise(0.49, 4)],
    ];
    for (const [file, code, content] of bad) {
      await put(file, content);
      await fails(code, new RegExp(file), readDataset(root));
      await rm(join(root, file));
    }
    for (const [file, , content] of bad) await put(file, content);
    const calls: number[][] = [];
    const onProgress = (...counts: number[]) => calls.push(counts);
    const { clips, skipped } = await readDataset(root, { skipBad: true, onProgress });
    assert.deepEqual(
      clips.map(({ file }) => file),
      ['x/good.wav', 'y/good.wav'],
    );
    assert.deepEqual(
      skipped.map(({ file, code }) => [file, code]),
      bad.map(([file, code]) => [file, code]),
    );
    assert.deepEqual(
      calls,
      Array.from({ length: 9 }, (_, i) => [i + 1, 9]),
    );
  });

  test('skips and lists a silent second within a recording, without requiring a flag', async () => {
    const paused = noise(3, 1);
    paused.fill(0, RATE, 2 * RATE);
    await put('x/paused.wav', paused);
    await put('y/good.wav', noise(1, 2));
    const { clips, skipped } = await readDataset(root);
    assert.deepEqual(
      clips.map(({ id, start }) => [id, start]),
      [
        ['x/paused.wav#0', 0],
        ['x/paused.wav#2', 2 * RATE],
        ['y/good.wav#0', 0],
      ],
    );
    assert.deepEqual([skipped.length, skipped[0].file, skipped[0].code], [1, 'x/paused.wav', 'CLIP_SILENT']);
    assert.match(skipped[0].message, /x\/paused\.wav#1/);
  });

  test('includes the first reason in the message if every file is bad', async () => {
    await put('x/a.wav', 'no');
    await put('y/b.wav', 'no');
    await fails('DATA_EMPTY', /all 2 files are bad and were skipped/, readDataset(root, { skipBad: true }));
  });
});

const shared = fileURLToPath(new URL('../../../../../shared/data/', import.meta.url));
const absent =
  !existsSync(join(shared, 'donateacry')) && 'the real recordings (../shared/data) are not next to the repository';

describe('real recordings', { skip: absent }, () => {
  test('donateacry: 2,949 clips of 457 recordings, 221 app instances, 5 classes, none bad', async () => {
    const dataset = await readDataset(join(shared, 'donateacry'));
    assert.equal(dataset.reader, 'donateacry');
    assert.deepEqual(dataset.classes, ['belly_pain', 'burping', 'discomfort', 'hungry', 'tired']);
    assert.deepEqual([dataset.clips.length, dataset.recordings, dataset.skipped.length], [2949, 457, 0]);
    assert.equal(new Set(dataset.clips.map(({ group }) => group)).size, 221);
  });

  test('donateacry-devices.csv: 439 clips, 8 classes, 69 recordings as groups', async () => {
    const dataset = await readDataset(join(shared, 'donateacry-devices.csv'));
    assert.equal(dataset.reader, 'manifest');
    assert.deepEqual([dataset.clips.length, dataset.classes.length, dataset.recordings], [439, 8, 69]);
    assert.equal(new Set(dataset.clips.map(({ group }) => group)).size, 69);
    assert.equal(dataset.grouped, true);
  });
});

async function drain(clips: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of clips);
}

/** Encodes a 32-bit float WAV file, which unlike 16-bit PCM can represent NaN. */
function encodeFloat(samples: Float64Array, rate: number): Uint8Array {
  const bytes = new Uint8Array(44 + 4 * samples.length);
  bytes.set(
    encodeWav(
      samples.map(() => 0),
      rate,
    ).subarray(0, 44),
  );
  const view = new DataView(bytes.buffer);
  view.setUint16(20, 3, true);
  view.setUint32(28, 4 * rate, true);
  view.setUint16(32, 4, true);
  view.setUint16(34, 32, true);
  view.setUint32(40, 4 * samples.length, true);
  for (const [i, sample] of samples.entries()) view.setFloat32(44 + 4 * i, sample, true);
  return bytes;
}

test('skips or reports pipes, devices and huge empty files among the recordings, and never blocks', async () => {
  await put('x/good.wav', noise(1, 1));
  await put('y/good.wav', noise(1, 2));
  execFileSync('mkfifo', [join(root, 'x/pipe.wav')]);
  await symlink('/dev/zero', join(root, 'x/zero.wav'));
  await put('y/huge.wav', '');
  await truncate(join(root, 'y/huge.wav'), 2 ** 29 + 1);
  await fails('WAV_INVALID', /y\/huge\.wav: not a recording/, readDataset(root));
  const { clips, skipped } = await readDataset(root, { skipBad: true });
  assert.equal(clips.length, 2);
  assert.deepEqual(
    skipped.map(({ file, code }) => [file, code]),
    [
      ['x/pipe.wav', 'DATA_UNREADABLE'],
      ['x/zero.wav', 'DATA_UNREADABLE'],
      ['y/huge.wav', 'WAV_INVALID'],
    ],
  );
  const manifest = 'path,label\nx/good.wav,x\ny/good.wav,y\nx/pipe.wav,x\nx/zero.wav,x\n';
  await put('list.csv', manifest);
  await fails(
    'DATA_BAD',
    /list\.csv:4: x\/pipe\.wav is not a file: it is a named pipe/,
    readDataset(join(root, 'list.csv')),
  );
  assert.equal((await readDataset(join(root, 'list.csv'), { skipBad: true })).skipped.length, 2);
  execFileSync('mkfifo', [join(root, 'pipe.csv')]);
  await fails('DATA_NOT_FOUND', /pipe\.csv: .*it is a named pipe/, readDataset(join(root, 'pipe.csv')));
  await symlink('/dev/zero', join(root, 'zero.csv'));
  await fails('DATA_NOT_FOUND', /zero\.csv: .*it is a device/, readDataset(join(root, 'zero.csv')));
});

test('finds clips of an earlier dataset by their content, and only within the given folder', async () => {
  for (const [i, name] of ['a/one', 'a/two', 'b/three', 'b/gone', 'b/other'].entries()) {
    await put(`${name}.wav`, noise(2.6, 100 + i));
  }
  const { clips } = await readDataset(root);
  await rm(join(root, 'b/gone.wav'));
  await put('b/other.wav', noise(2.6, 1));
  const outside = clips.filter(({ file }) => file.startsWith('b/')).map((clip) => ({ ...clip, id: `../${clip.id}` }));
  const odd = ['a/one.wav', 'a/one.wav#x', 'a/one.wav#-1', 'a/one.wav#99'].map((id) => ({ ...clips[0], id }));
  const found = await findClips(root, [...clips, ...odd, { ...clips[0], hash: undefined }], 1);
  assert.deepEqual(
    found,
    clips.filter(({ file }) => !/gone|other/.test(file)),
  );
  assert.deepEqual(await findClips(join(root, 'a'), outside, 1), []);
  assert.deepEqual(await findClips(join(root, 'a'), [{ ...clips[0], id: `${join(root, 'b/three.wav')}#0` }], 1), []);
});
