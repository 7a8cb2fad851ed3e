import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { decodeText, EncodingError } from '../src/decode-text.js';
import { CryfoldError } from '../src/errors.js';
import { decodeRecord, errorRecordSchema } from '../src/record.js';

const TEXT = 'path,label\na.wav,pleuré\nb.wav,ñandú 🐣\n';
const utf16 = (text: string) => Buffer.from(text, 'utf16le');
const bigEndian = (text: string) => utf16(text).swap16();
const latin1 = (text: string) => Buffer.from(text, 'latin1');

function failure(bytes: Uint8Array): EncodingError {
  try {
    decodeText(bytes);
  } catch (error) {
    assert.ok(error instanceof EncodingError, String(error));
    return error;
  }
  assert.fail('the text was decoded');
}

test('decodes UTF-8 and UTF-16, and removes the byte order mark', () => {
  for (const bytes of [
    Buffer.from(TEXT),
    Buffer.from(`\ufeff${TEXT}`),
    utf16(`\ufeff${TEXT}`),
    bigEndian(`\ufeff${TEXT}`),
  ])
    assert.equal(decodeText(bytes), TEXT);
  assert.equal(decodeText(new Uint8Array()), '');
  // The replacement character itself is a valid character.
  assert.equal(decodeText(Buffer.from('a\ufffdb')), 'a\ufffdb');
});

test('reports the line, the likely encoding and how the line reads in that encoding', () => {
  const latin = failure(latin1('path,label\na.wav,x\nb.wav,pleuré\nc.wav,pleurè\n'));
  assert.deepEqual([latin.line, latin.encoding], [3, 'WINDOWS-1252']);
  assert.match(latin.message, /probably Latin-1; this line reads b\.wav,pleuré$/);
  const windows = failure(Buffer.concat([latin1('x\n'), Uint8Array.of(0x93, 0x61, 0x94)]));
  assert.equal(windows.line, 2);
  assert.match(windows.message, /probably Windows-1252; this line reads “a”$/);
  // Shift JIS, whose bytes are meaningless in Windows-1252.
  const other = failure(Uint8Array.of(0x83, 0x81, 0x83, 0x8d));
  assert.deepEqual([other.line, other.encoding, other.message], [1, undefined, 'the text is not UTF-8']);
  // The reported line is that of the damaged byte, not that of an earlier replacement character.
  assert.equal(failure(Buffer.concat([Buffer.from('\ufffd\nok\n'), Uint8Array.of(0xe9)])).line, 3);
});

test('recognises UTF-16 without a byte order mark, UTF-32, damaged UTF-16 and binary files', () => {
  assert.equal(failure(utf16('path,label\n')).encoding, 'UTF-16LE');
  assert.equal(failure(bigEndian('path,label\n')).encoding, 'UTF-16BE');
  assert.equal(failure(Uint8Array.of(0xff, 0xfe, 0, 0, 0x61, 0, 0, 0)).encoding, 'UTF-32');
  assert.equal(failure(Buffer.concat([utf16('\ufeffa\nb\nc'), Uint8Array.of(0x61)])).line, 3);
  const binary = failure(Buffer.from('text\nmore\0'));
  assert.deepEqual([binary.line, binary.encoding], [2, undefined]);
});

test('reports each problem, its line, and how to fix it', () => {
  for (const [bytes, line, message] of [
    [Uint8Array.of(0xff, 0xfe, 0, 0), 1, 'the text is UTF-32, which is not supported'],
    [utf16('ab'), 1, 'the text is probably UTF-16LE without a byte order mark'],
    [Buffer.from('a\nb\nc\0'), 3, 'a NUL character shows that the file is not text'],
    [Buffer.concat([utf16('\ufeffa\nb'), Uint8Array.of(0x61)]), 2, 'the text starts as UTF-16, but is damaged here'],
    [Uint8Array.of(0x81), 1, 'the text is not UTF-8'],
    // The first character that only Windows-1252 has (the euro sign), and the first one after that range (a no-break
    // space).
    [Uint8Array.of(0x80), 1, 'the text is not UTF-8, but probably Windows-1252; this line reads €'],
    [latin1('x\u00a0y'), 1, 'the text is not UTF-8, but probably Latin-1; this line reads x\u00a0y'],
    [latin1('  é \nb'), 1, 'the text is not UTF-8, but probably Latin-1; this line reads é'],
    // A single byte of a byte order mark does not count as one.
    [Uint8Array.of(0xff, 0x61), 1, 'the text is not UTF-8, but probably Latin-1; this line reads ÿa'],
    [Uint8Array.of(0x61, 0xfe), 1, 'the text is not UTF-8, but probably Latin-1; this line reads aþ'],
    [Uint8Array.of(0xfe, 0x61), 1, 'the text is not UTF-8, but probably Latin-1; this line reads þa'],
    [Uint8Array.of(0x61, 0xff), 1, 'the text is not UTF-8, but probably Latin-1; this line reads aÿ'],
  ] as const) {
    const error = failure(bytes);
    assert.deepEqual([error.name, error.line, error.message], ['EncodingError', line, message]);
    assert.match(
      error.hint('f'),
      error.encoding ? /^Save it as UTF-8, or convert it: iconv -f / : /^Save it as UTF-8\.$/,
    );
  }
  // UTF-16 whose first character contains a zero byte is not mistaken for UTF-32.
  assert.equal(decodeText(Uint8Array.of(0xff, 0xfe, 0, 0x61)), '\u6100');
});

test('finds the damaged line of a long text, wherever it is', () => {
  const lines = Array.from({ length: 33 }, (_, i) => 'x'.repeat((i * 7) % 11));
  for (let damaged = 0; damaged < lines.length; damaged++) {
    const text = lines.map((line, i) => (i === damaged ? `${line}é` : line)).join('\n');
    const error = failure(latin1(text));
    assert.deepEqual([error.line, error.message.split('reads ').at(-1)], [damaged + 1, `${lines[damaged]}é`]);
  }
});

test('the command in the hint converts a file, whatever its name', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cryfold-encoding-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const name = "mine's $(x) list.csv";
  for (const bytes of [latin1('a.wav,pleuré\n'), utf16('a.wav,pleuré\n'), bigEndian('a.wav,pleuré\n')]) {
    writeFileSync(join(folder, name), bytes);
    const command = /iconv .*$/.exec(failure(bytes).hint(name))?.[0];
    assert.ok(command);
    execFileSync('sh', ['-c', command], { cwd: folder });
    assert.equal(decodeText(readFileSync(join(folder, name))), 'a.wav,pleuré\n');
  }
});

test('reports a stored record with an invalid UTF-8 byte as damaged', () => {
  const record = Buffer.from(JSON.stringify({ code: 'USAGE', failure: 'usage', message: 'é', context: {} }), 'latin1');
  assert.throws(
    () => decodeRecord(errorRecordSchema, record, 'a.json'),
    (error) => error instanceof CryfoldError && error.code === 'JOB_INVALID',
  );
});
