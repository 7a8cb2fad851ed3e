import assert from 'node:assert/strict';
import { link, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, beforeEach, describe, test } from 'node:test';
import { CryfoldError, Random } from '@cryfold/core';
import { readDataset } from '../src/dataset.js';
import { encodeWav } from '../src/wav.js';

const RATE = 100;
const NFC = 'b\u00e9b\u00e9';
const NFD = 'be\u0301be\u0301';
const ROWS = ['w/a.wav,low,g1', 'w/b.wav,high,g1', 'w/c.wav,low,g2', 'w/d.wav,high,g2'];
const TABLE = ['path,label,group', ...ROWS].join('\n');

const folders: string[] = [];
let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'cryfold-manifest-'));
  folders.push(root);
  await mkdir(join(root, 'w'));
  for (const [seed, name] of ['w/a', 'w/b', 'w/c', 'w/d', NFD].entries()) await put(`${name}.wav`, sound(seed));
});
after(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));

function sound(seed: number): Uint8Array {
  const random = new Random(seed);
  return encodeWav(
    Float64Array.from({ length: RATE }, () => random.below(60000) / 32768 - 0.9),
    RATE,
  );
}

const put = (file: string, content: string | Uint8Array) => writeFile(join(root, file), content);

async function read(table: string | Uint8Array, { name = 'list.csv', skipBad = false } = {}) {
  await put(name, table);
  return readDataset(join(root, name), { skipBad });
}

const refused = (table: string | Uint8Array, expected: RegExp) =>
  assert.rejects(read(table), (error) => {
    assert.ok(error instanceof CryfoldError, String(error));
    assert.equal(error.code, 'DATA_MANIFEST_INVALID');
    assert.match(error.message, expected);
    assert.ok(error.hint);
    return true;
  });

describe('the same table produces the same dataset', () => {
  const quoted = TABLE.replace(/[^,\n]+/g, '"$&"');
  const variants: Record<string, string | Uint8Array> = {
    'with semicolons': TABLE.replaceAll(',', ';'),
    'with tabs': TABLE.replaceAll(',', '\t'),
    'with the line sep=; of spreadsheets': `sep=;\r\n${TABLE.replaceAll(',', ';').replaceAll('\n', '\r\n')}`,
    'with blanks after commas': TABLE.replaceAll(',', ', '),
    'with CRLF': TABLE.replaceAll('\n', '\r\n'),
    'with CR': TABLE.replaceAll('\n', '\r'),
    'with quoted fields': quoted,
    'with blanks around quoted fields': quoted.replaceAll(',', ' , '),
    'with empty rows and columns': `\n${TABLE.replaceAll('\n', ',,\n')},,\n,,,,\n \t\n,,,,\n\n`,
    'with an empty row between': TABLE.replace('\nw/c', '\n,,\nw/c'),
    'in UTF-8 with a byte order mark': Buffer.from(`\ufeff${TABLE}`),
    'in UTF-16': Buffer.from(`\ufeff${TABLE}`, 'utf16le'),
    'in big-endian UTF-16': Buffer.from(`\ufeff${TABLE}`, 'utf16le').swap16(),
    'with Windows paths': TABLE.replaceAll('/', '\\'),
    'with dots in paths': TABLE.replaceAll('w/', './w/../w/'),
    'with blanks around paths': TABLE.replaceAll('.wav', '.wav\u00a0'),
    'with line ends in quoted labels': TABLE.replaceAll(',low,', ',"\nlow\n",'),
    'with invisible characters': TABLE.replaceAll(',', '\u200b,').replaceAll(',g', ', g'),
    'with blanks in the header': TABLE.replace('path,label,group', 'path , label,group\u00a0'),
  };
  for (const [what, table] of Object.entries(variants)) {
    test(what, async () => {
      const clean = await read(TABLE);
      assert.deepEqual(clean.warnings, []);
      const { contentHash, clips, warnings } = await read(table);
      assert.deepEqual(clips, clean.clips);
      assert.equal(contentHash, clean.contentHash);
      assert.deepEqual(warnings, []);
    });
  }

  test('reads a table in a .tsv file', async () => {
    const { clips, name } = await read(TABLE.replaceAll(',', '\t'), { name: 'list.tsv' });
    assert.deepEqual([clips.length, name], [4, 'list']);
  });
});

test('a clean table has the same content hash as in earlier versions', async () => {
  assert.equal((await read(TABLE)).contentHash, 'd60fc095de43604996daf39ab7e002e9734aecec8862a4d1080716411e6f0de3');
});

test('finds a file by its path in either Unicode form', async () => {
  for (const name of [NFC, NFD]) {
    const { clips } = await read(`${TABLE}\n${name}.wav,low,g9`);
    assert.equal(clips.at(-1)?.id, `${NFD}.wav#0`);
  }
  await mkdir(join(root, `${NFD} x`));
  await put(`${NFD} x/${NFD}.wav`, sound(9));
  const { clips } = await read(`${TABLE}\n${NFC} x\\${NFC}.wav,low,g9`);
  assert.equal(clips.at(-1)?.file, `${NFD} x/${NFD}.wav`);
});

test('reads an absolute path, and keeps its id', async () => {
  const path = join(root, 'w/a.wav');
  const { clips } = await read(TABLE.replace('w/a.wav', path));
  assert.equal(clips[0].id, `${path}#0`);
});

test('refuses a file that is listed under two spellings, and shows both lines and both spellings', async () => {
  await symlink('w/a.wav', join(root, 'link.wav'));
  await link(join(root, 'w/a.wav'), join(root, 'hard.wav'));
  const same = ['./w/a.wav', 'w/../w/a.wav', 'w\\a.wav', join(root, 'w/a.wav'), 'link.wav', 'hard.wav'];
  for (const path of [...same, `../${basename(root)}/w/a.wav`]) {
    await assert.rejects(read(`${TABLE}\n${path},high,g7`), {
      code: 'DATA_MANIFEST_INVALID',
      message: `${join(root, 'list.csv')}:6: ${path} is also on line 2, as w/a.wav`,
    });
  }
  await refused(`${TABLE}\nw/a.wav,low,g1`, /list\.csv:6: w\/a\.wav is also on line 2$/);
  await refused(`${TABLE}\n${NFD}.wav,low,\n${NFC}.wav,low,`, /:7: b\u00e9b\u00e9\.wav is also on line 6, as be\u0301/);
  const { clips, skipped } = await read(`${TABLE}\nlink.wav,high,g7`, { skipBad: true });
  assert.deepEqual([clips.length, skipped.length], [4, 1]);
});

test('explains why a path is not a file', async () => {
  await refused(`${TABLE}\nW/A.wav,low,`, /:6: W\/A\.wav is not a file; did you mean w\/a\.wav, which differs in case/);
  await refused(`${TABLE}\n~/a.wav,low,`, /:6: ~\/a\.wav is not a file: ~ is not expanded/);
  await refused(`${TABLE}\nfile:///a.wav,low,`, /:6: file:\/\/\/a\.wav is a URL/);
  await refused(`${TABLE}\nw,low,`, /:6: w is not a file: it is a directory/);
  await refused(`${TABLE}\nC:\\x\\a.wav,low,`, /:6: C:\\x\\a\.wav is not a file$/);
});

test('refuses other encodings and reports the line, since different words could become equal', async () => {
  const latin1 = Buffer.from('path,label\nw/a.wav,pleuré\nw/b.wav,pleurè\n', 'latin1');
  await refused(latin1, /list\.csv:2: .*probably Latin-1; this line reads w\/a\.wav,pleuré/);
  await refused(Buffer.from(TABLE, 'utf16le'), /list\.csv:1: .*UTF-16LE without a byte order mark/);
});

test('long fields, many quotes and many columns cause an error, but no stack overflow', async () => {
  const quotes = '"'.repeat(2 ** 22);
  await refused(`${TABLE}\nw/a.wav,${quotes},g1`, /:6: w\/a\.wav is also on line 2/);
  await refused(`${TABLE}\nw/a.wav,"${quotes},g1`, /:6: a quote is not closed/);
  await refused(','.repeat(20_000), /:1: there are more than 16384 fields/);
  await refused(`${'\n'.repeat(2 ** 20)}path`, /:1048577: there is no column label/);
});

test('refuses columns with the same name, and rows that lack a field', async () => {
  await refused('path,label,group,group \nw/a.wav,low,1,2', /list\.csv:1: two columns are named group/);
  await refused('path,label,label\nw/a.wav,low,x', /list\.csv:1: two columns are named label/);
  await refused(`${TABLE}\nw/a.wav,low`, /list\.csv:6: 2 fields under 3 columns/);
  await refused(`${TABLE}\n# a comment`, /list\.csv:6: 1 field under 3 columns/);
  await refused(`${TABLE}\nw/a.wav,low,g1,x`, /list\.csv:6: 4 fields under 3 columns/);
  await refused(`${TABLE}\nw/a.wav,\u200b,g1`, /list\.csv:6: label is empty for w\/a\.wav/);
});

test('reports that a table has no header', async () => {
  const error = await read(ROWS.join('\n')).catch((one: CryfoldError) => one);
  assert.ok(error instanceof CryfoldError);
  assert.match(error.message, /list\.csv:1: there is no column path/);
  assert.match(error.hint ?? '', /path,label,group, but this line has w\/a\.wav, low, g1/);
});

test('accepts numbers as labels', async () => {
  const { classes, warnings } = await read(TABLE.replaceAll('low', '1').replaceAll('high', '0'));
  assert.deepEqual([classes, warnings], [['0', '1'], []]);
});

test('unifies labels and groups, and adds the warnings to the dataset', async () => {
  const { classes, clips, warnings } = await read(TABLE.replace('low,g1', 'Low,g1 ').replace('high,g2', 'high ,g2'));
  assert.deepEqual(classes, ['Low', 'high']);
  assert.equal(new Set(clips.map(({ group }) => group)).size, 2);
  assert.equal(warnings.length, 3);
});
