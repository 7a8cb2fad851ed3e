import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { CryfoldError } from '@cryfold/core';
import { sox, soxMissing } from '@cryfold/testing/sox';
import { ByteReader } from '../src/audio/bytes.js';
import { openFile } from '../src/audio/open-file.js';
import { openAudio } from '../src/audio/registry.js';
import { decodeWav, encodeWav } from '../src/wav.js';

const noFfmpeg = spawnSync('ffmpeg', ['-version']).status !== 0 && 'ffmpeg is not on PATH';
let folder: string;
const path = (name: string) => join(folder, name);

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cryfold-audio-'));
  if (soxMissing) return;
  await sox(
    '-R',
    '-n',
    '-r',
    '22050',
    '-c',
    '2',
    '-b',
    '16',
    path('in.wav'),
    'synth',
    '1.3',
    'pinknoise',
    'vol',
    '0.7',
  );
});
after(() => rm(folder, { recursive: true }));

async function read(reader: ByteReader | string, name = 'given') {
  const { audio, close } =
    typeof reader === 'string'
      ? await openFile(reader, name)
      : { audio: await openAudio(reader, name), close: undefined };
  const samples: number[] = [];
  try {
    for await (const block of audio.blocks) for (const sample of block) samples.push(sample);
  } finally {
    await close?.();
  }
  return { ...audio, samples };
}

/** Decodes a file with sox, and returns the mean of the channels as float64. */
function bySox(file: string, channels: number): number[] {
  const mean =
    channels === 1
      ? []
      : ['remix', '-m', Array.from({ length: channels }, (_, c) => `${c + 1}v${1 / channels}`).join(',')];
  const out = execFileSync('sox', [file, '-t', 'f64', '-', ...mean], {
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 2 ** 28,
  });
  return Array.from({ length: out.length / 8 }, (_, i) => out.readDoubleLE(8 * i));
}

function furthest(a: readonly number[], b: readonly number[]): number {
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);
}

test('reports the format and what to install if ffmpeg is needed but missing', async () => {
  const mp4 = Buffer.concat([Buffer.from([0, 0, 0, 24]), Buffer.from('ftypM4A '), Buffer.alloc(64)]);
  const { PATH } = process.env;
  process.env.PATH = '/nonexistent';
  try {
    await assert.rejects(read(ByteReader.ofBytes(mp4), 'a.m4a'), (error) => {
      assert.ok(error instanceof CryfoldError && error.code === 'DECODER_MISSING');
      assert.match(error.message, /a\.m4a: MP4 needs ffmpeg/);
      assert.match(error.hint ?? '', /apt-get install ffmpeg/);
      return true;
    });
  } finally {
    process.env.PATH = PATH;
  }
});

const EXACT: [string, string[], string][] = [
  ['8.wav', ['-b', '8'], 'WAV'],
  ['24.wav', ['-b', '24'], 'WAV'],
  ['32.wav', ['-b', '32'], 'WAV'],
  ['float.wav', ['-e', 'float', '-b', '32'], 'WAV'],
  ['double.wav', ['-e', 'float', '-b', '64'], 'WAV'],
  ['rifx.wav', ['-B', '-b', '24'], 'WAV'],
  ['a-law.wav', ['-e', 'a-law'], 'WAV'],
  ['mu-law.wav', ['-e', 'u-law'], 'WAV'],
  ['ima.wav', ['-e', 'ima-adpcm'], 'WAV'],
  ['ima-mono.wav', ['-e', 'ima-adpcm', '-c', '1'], 'WAV'],
  ['ms.wav', ['-e', 'ms-adpcm'], 'WAV'],
  ['ms-mono.wav', ['-e', 'ms-adpcm', '-c', '1'], 'WAV'],
  ['x.w64', [], 'WAV'],
  ['x.aiff', [], 'AIFF'],
  ['8.aiff', ['-b', '8'], 'AIFF'],
  ['24.aifc', ['-b', '24'], 'AIFF'],
  ['x.caf', [], 'CAF'],
  ['x.au', [], 'AU'],
  ['mu-law.au', ['-e', 'u-law'], 'AU'],
  ['8.flac', ['-b', '8'], 'FLAC'],
  ['16.flac', [], 'FLAC'],
  ['24.flac', ['-b', '24'], 'FLAC'],
];

for (const [file, options, format] of EXACT) {
  test(`reads the samples of ${file} exactly as sox does`, { skip: soxMissing }, async () => {
    await sox('-D', path('in.wav'), ...options, path(file));
    const { samples, channels, rate, format: found } = await read(path(file));
    const expected = bySox(path(file), channels);
    assert.deepEqual([found, rate], [format, 22050]);
    // Sox pads the last block of ADPCM; the fact chunk contains the actual length of the recording.
    assert.ok(samples.length <= expected.length && samples.length === Math.round(1.3 * 22050), `${samples.length}`);
    assert.equal(furthest(samples, expected), 0);
  });
}

test('reads FLAC with samples at full scale exactly', { skip: soxMissing }, async () => {
  const bytes = Buffer.from(await readFile(path('in.wav')));
  for (const [i, value] of [-32768, 32767, 0, -1, -32768].entries()) bytes.writeInt16LE(value, 44 + 2 * i);
  await writeFile(path('full.wav'), bytes);
  await sox(path('full.wav'), path('full.flac'));
  const { samples } = await read(path('full.flac'));
  assert.deepEqual(samples, [...decodeWav(bytes, 'full').samples]);
});

test('reads all of a FLAC file that ends in silence', { skip: soxMissing }, async () => {
  // The last FLAC frame, 5 samples of silence, takes 13 bytes.
  const silent = Int16Array.from({ length: 4096 + 5 }, (_, i) => (i < 4096 ? 9000 * Math.sin(i / 9) : 0));
  await writeFile(
    path('silent.wav'),
    encodeWav(
      Float64Array.from(silent, (value) => value / 32768),
      22050,
    ),
  );
  await sox('-D', path('silent.wav'), '-b', '16', path('silent.flac'));
  const { samples, rate } = await read(path('silent.flac'));
  assert.deepEqual([samples.length, rate], [4101, 22050]);
  assert.equal(furthest(samples, bySox(path('silent.flac'), 1)), 0);
});

test('reads Ogg Vorbis like sox, and reports the decoder and its version', { skip: soxMissing }, async () => {
  await sox(path('in.wav'), path('x.ogg'));
  const { samples, format, decoder } = await read(path('x.ogg'));
  const expected = bySox(path('x.ogg'), 2);
  assert.equal(format, 'Ogg Vorbis');
  assert.match(decoder ?? '', /^@wasm-audio-decoders\/ogg-vorbis \d+\.\d+\.\d+$/);
  assert.equal(samples.length, expected.length);
  assert.ok(furthest(samples, expected) < 1e-4);
});

const BY_FFMPEG: [string, string[], string, RegExp][] = [
  ['x.mp3', [], 'MP3', /^mpg123-decoder /],
  ['x.opus', [], 'Ogg Opus', /^ogg-opus-decoder /],
  ['flac.ogg', ['-c:a', 'flac'], 'Ogg FLAC', /^@wasm-audio-decoders\/flac /],
  ['x.m4a', [], 'MP4', /^ffmpeg /],
  ['x.3gp', ['-c:a', 'aac', '-ac', '1'], 'MP4', /^ffmpeg /],
  ['x.webm', [], 'WebM', /^ffmpeg /],
  ['x.aac', [], 'AAC', /^ffmpeg /],
  ['alac.caf', ['-c:a', 'alac'], 'CAF', /^ffmpeg /],
  ['mp3.wav', ['-c:a', 'libmp3lame'], 'WAV', /^ffmpeg /],
  ['float.caf', ['-c:a', 'pcm_f32le'], 'CAF', /^cryfold caf 1$/],
  ['rf64.wav', ['-rf64', 'always'], 'WAV', /^$/],
];

for (const [file, options, format, by] of BY_FFMPEG) {
  test(`reads ${file} like ffmpeg`, { skip: soxMissing || noFfmpeg }, async () => {
    execFileSync('ffmpeg', ['-y', '-loglevel', 'error', '-i', path('in.wav'), ...options, path(file)]);
    const pan = 'pan=mono|c0=0.5*c0+0.5*c1';
    const { samples, rate, decoder, format: found, channels } = await read(path(file));
    const mono = file.endsWith('.3gp') ? [] : ['-af', pan];
    const out = execFileSync('ffmpeg', ['-loglevel', 'error', '-i', path(file), ...mono, '-f', 'f64le', '-'], {
      maxBuffer: 2 ** 28,
    });
    const expected = Array.from({ length: out.length / 8 }, (_, i) => out.readDoubleLE(8 * i));
    assert.deepEqual([found, channels > 0], [format, true]);
    assert.match(decoder ?? '', by);
    assert.equal(samples.length, expected.length);
    assert.ok(samples.length > 1.2 * rate);
    assert.ok(furthest(samples, expected) < 1e-4);
  });
}

const wavOf =
  (riff: number, data: number, tail = Buffer.alloc(0)) =>
  async () => {
    const bytes = Buffer.from(await readFile(path('in.wav')));
    bytes.writeUInt32LE(riff, 4);
    bytes.writeUInt32LE(data, 40);
    return Buffer.concat([bytes, tail]);
  };

const STREAMED: [string, () => Promise<Buffer>][] = [
  ['sizes of 0', wavOf(0, 0)],
  ['a RIFF size that covers only the header, and no data size', wavOf(36, 0)],
  ['sizes of 0xffffffff, as written by ffmpeg', wavOf(0xffffffff, 0xffffffff)],
  ['sizes of 0x7ffff000, as written by sox', wavOf(0x7ffff024, 0x7ffff000)],
  ['sizes of 0x7fffffff', wavOf(0x7fffffff, 0x7fffffff - 36)],
  ['sizes of 0x80000000, as written by arecord', wavOf(0x80000024, 0x80000000)],
  ['a truncated last frame', async () => (await wavOf(0xffffffff, 0xffffffff)()).subarray(0, -1)],
];

for (const [what, make] of STREAMED) {
  test(`reads a WAV with ${what} to its end, from memory and from a stream`, { skip: soxMissing }, async () => {
    const bytes = await make();
    const whole = [...decodeWav(await readFile(path('in.wav')), 'in').samples];
    const expected = bytes.length % 4 === 0 ? whole : whole.slice(0, -1);
    assert.deepEqual([...decodeWav(bytes, 'x').samples], expected);
    assert.deepEqual((await read(ByteReader.ofBytes(bytes))).samples, expected);
    const pieces = async function* () {
      for (let at = 0; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000);
    };
    assert.deepEqual((await read(ByteReader.ofStream(pieces()))).samples, expected);
  });
}

test('reads what sox writes to a pipe', { skip: soxMissing }, async () => {
  const input = await readFile(path('in.wav'));
  const piped = execFileSync('sox', ['-t', 'wav', '-', '-t', 'wav', '-'], { input, stdio: ['pipe', 'pipe', 'ignore'] });
  assert.deepEqual((await read(ByteReader.ofBytes(piped))).samples, [...decodeWav(input, 'in').samples]);
});

test('skips chunks after the samples, odd chunks with and without padding, and a truncated last frame', async () => {
  const format = Buffer.from('666d742010000000010001004416000088580000020010 00'.replaceAll(' ', ''), 'hex');
  const samples = Buffer.from([0, 64, 0, 192, 1, 0]);
  const chunk = (kind: string, body: Buffer, pad = '') => {
    const size = Buffer.alloc(4);
    size.writeUInt32LE(body.length);
    return Buffer.concat([Buffer.from(kind), size, body, Buffer.from(pad)]);
  };
  const riff = (...chunks: Buffer[]) => {
    const size = Buffer.alloc(4);
    size.writeUInt32LE(4 + chunks.reduce((sum, { length }) => sum + length, 0));
    return Buffer.concat([Buffer.from('RIFF'), size, Buffer.from('WAVE'), ...chunks]);
  };
  const data = chunk('data', samples);
  const list = Buffer.from('INFOabc');
  for (const bytes of [
    riff(format, data, chunk('LIST', Buffer.from('INFOabcd'))),
    riff(chunk('JUNK', Buffer.alloc(28)), format, chunk('bext', Buffer.alloc(603)), data),
    riff(format, data, chunk('data', samples)),
    riff(format, chunk('LIST', list), data),
    riff(format, chunk('LIST', list, '\0'), data),
    riff(format, chunk('data', Buffer.concat([samples, Buffer.from([1])]))),
  ]) {
    assert.deepEqual([...decodeWav(bytes, 'x').samples], [0.5, -0.5, 1 / 32768]);
  }
  assert.deepEqual([...decodeWav(riff(format, data).subarray(0, -1), 'x').samples], [0.5, -0.5]);
});

test('reads 12-bit and 20-bit samples, and 24 bits in 32, as left-justified', {
  skip: soxMissing,
}, async () => {
  const bytes = Buffer.from(await readFile(path('in.wav')));
  const expected = [...decodeWav(bytes, 'in').samples];
  bytes.writeUInt16LE(12, 34);
  assert.deepEqual([...decodeWav(bytes, 'x').samples], expected);
  for (const [file, stored, valid] of [
    ['wide20.wav', '24', 20],
    ['wide.wav', '32', 24],
  ] as const) {
    await sox(path('in.wav'), '-b', stored, '-c', '1', path(file));
    const wide = Buffer.from(await readFile(path(file)));
    const same = [...decodeWav(wide, file).samples];
    const at = wide.indexOf('fmt ') + 8;
    wide.writeUInt16LE(valid, wide.readUInt16LE(at) === 0xfffe ? at + 18 : at + 14);
    assert.deepEqual([...decodeWav(wide, 'x').samples], same);
  }
});

test('refuses float samples far beyond full scale, and suggests a command that scales them', {
  skip: soxMissing,
}, async () => {
  await sox(path('in.wav'), '-e', 'float', '-b', '32', '-c', '1', path('loud.wav'));
  const bytes = Buffer.from(await readFile(path('loud.wav')));
  const start = bytes.indexOf('data') + 8;
  for (let at = start; at < bytes.length; at += 4) bytes.writeFloatLE(32768 * bytes.readFloatLE(at), at);
  await writeFile(path('loud.wav'), bytes);
  const error = await read(path('loud.wav'), path('loud.wav')).then(
    () => undefined,
    (one) => one,
  );
  assert.ok(error instanceof CryfoldError);
  assert.equal(error.code, 'WAV_SCALE');
  assert.match(error.message, /its float samples reach [\d.]+, but full scale is 1/);
  const command = /ffmpeg .*/.exec(error.hint ?? '')?.[0] ?? '';
  if (noFfmpeg) return;
  const shell = command.replace('IN', path('loud.wav')).replace('OUT', path('scaled'));
  execFileSync('sh', ['-c', `${shell} -loglevel error`]);
  assert.ok((await read(path('scaled.wav'))).peak() <= 1);
});

test('suggests sox commands whose output can be read', { skip: soxMissing }, async () => {
  const whole = await readFile(path('in.wav'));
  const expected = decodeWav(whole, 'in').samples;
  await writeFile(path('short.wav'), whole.subarray(0, 60_000));
  await sox(path('in.wav'), '-r', '8000', '-c', '1', '-e', 'gsm', path('gsm.wav'));
  for (const [file, says] of [
    ['short.wav', /truncated/],
    ['gsm.wav', /GSM 6\.10/],
  ] as const) {
    const bytes = await readFile(path(file));
    const error = await Promise.resolve()
      .then(() => decodeWav(bytes, file))
      .then(
        () => assert.fail('it was read'),
        (one: CryfoldError) => one,
      );
    assert.match(error.message, says);
    const command = /sox .*/.exec(error.hint ?? '')?.[0] ?? '';
    execFileSync('sh', ['-c', command.replace('IN', path(file)).replace('OUT', path('repaired'))], { stdio: 'ignore' });
    const { samples } = await read(path('repaired.wav'));
    assert.ok(samples.length > 1000, file);
    if (file === 'short.wav') assert.deepEqual(samples, [...expected.subarray(0, samples.length)]);
  }
});

test('rejects truncated and damaged FLAC and Ogg files', { skip: soxMissing }, async () => {
  await sox(path('in.wav'), path('cut.flac'));
  await sox(path('in.wav'), path('cut.ogg'));
  for (const file of ['cut.flac', 'cut.ogg']) {
    const bytes = await readFile(path(file));
    const cut = bytes.subarray(0, Math.floor(0.7 * bytes.length));
    await assert.rejects(read(ByteReader.ofBytes(cut), file), { code: 'WAV_INVALID' });
    const changed = Buffer.from(bytes);
    changed.fill(0x55, Math.floor(0.5 * bytes.length), Math.floor(0.5 * bytes.length) + 200);
    await assert.rejects(read(ByteReader.ofBytes(changed), file), { code: 'WAV_INVALID' });
  }
});

test('explains why a file is not a recording', async () => {
  const refused = async (text: string) =>
    read(ByteReader.ofBytes(Buffer.from(text)), 'x.wav').then(
      () => assert.fail('it was read'),
      (error: CryfoldError) => `${error.code} ${error.message}`,
    );
  assert.match(await refused(''), /WAV_INVALID x\.wav: not a recording: the file is empty/);
  assert.match(await refused('<!DOCTYPE html>'), /it is text/);
  assert.match(await refused('ID3x'), /WAV_INVALID x\.wav: contains no MP3 sound/);
  assert.match(await refused('version https://git-lfs.github.com/spec/v1\n'), /a Git LFS pointer/);
});
