import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { CryfoldError, Random } from '@cryfold/core';
import { decodeWav, encodeWav } from '../src/wav.js';

interface Goldens {
  good: Record<string, { wav: string; rate: number; channels: number; samples: number[] }>;
  bad: Record<string, { wav: string; code: string }>;
}
const { good, bad } = JSON.parse(
  readFileSync(new URL('../../test/goldens/wav.json', import.meta.url), 'utf8'),
) as Goldens;
const bytesOf = (wav: string) => new Uint8Array(Buffer.from(wav, 'base64'));

for (const [name, { wav, rate, channels, samples }] of Object.entries(good)) {
  test(`decodes ${name} like scipy`, () => {
    const decoded = decodeWav(bytesOf(wav), name);
    assert.equal(decoded.rate, rate);
    assert.equal(decoded.channels, channels);
    assert.deepEqual([...decoded.samples], samples);
  });
}

for (const [name, { wav, code }] of Object.entries(bad)) {
  test(`refuses ${name} with ${code}, and reports the file and what to do`, () => {
    assert.throws(
      () => decodeWav(bytesOf(wav), 'dir/x.wav'),
      (error) =>
        error instanceof CryfoldError && error.code === code && /dir\/x\.wav: ./.test(error.message) && !!error.hint,
    );
  });
}

test('decodes bytes that do not start at the beginning of their buffer', () => {
  const wav = encodeWav(Float64Array.of(0.5, -0.5), 8000);
  const shifted = new Uint8Array(wav.length + 3);
  shifted.set(wav, 3);
  assert.deepEqual([...decodeWav(shifted.subarray(3), 'x').samples], [0.5, -0.5]);
});

test('encodes samples to within half a 16-bit step, and clips them at full scale', () => {
  const random = new Random(1);
  const samples = Float64Array.from({ length: 1000 }, () => random.uniform(-1.2, 1.2));
  const { rate, channels, samples: back } = decodeWav(encodeWav(samples, 22050), 'x');
  assert.deepEqual([rate, channels, back.length], [22050, 1, 1000]);
  for (let i = 0; i < 1000; i++) {
    const clipped = Math.max(-1, Math.min(32767 / 32768, samples[i]));
    assert.ok(Math.abs(back[i] - clipped) <= 0.5 / 32768, `sample ${i}: ${back[i]} for ${samples[i]}`);
  }
});

test('reads hostile bytes as a WAV or reports a coded error, and never returns more than a sample per two bytes', () => {
  const random = new Random(2);
  const seeds = [...Object.values(good), ...Object.values(bad)].map(({ wav }) => bytesOf(wav));
  const counts = new Map<string, number>();
  for (let round = 0; round < 30000; round++) {
    const bytes = mutate(seeds[random.below(seeds.length)], random);
    let outcome = 'ok';
    try {
      const { samples, rate } = decodeWav(bytes, 'fuzz.wav');
      assert.ok(samples.length > 0 && samples.length <= 2 * bytes.length && rate > 0);
      assert.ok(samples.every(Number.isFinite));
    } catch (error) {
      assert.ok(error instanceof CryfoldError, `round ${round}: ${(error as Error).stack}`);
      outcome = error.code;
    }
    counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  }
  assert.deepEqual([...counts.keys()].sort(), ['WAV_EMPTY', 'WAV_INVALID', 'WAV_NOT_FINITE', 'WAV_SCALE', 'ok']);
  for (const [outcome, count] of counts) assert.ok(count > 20, `${outcome} only ${count} times`);
});

/**
 * Damages a file at random: flips bytes, writes extreme integers into the header, truncates it, or duplicates or
 * removes a range of bytes.
 */
function mutate(source: Uint8Array, random: Random): Uint8Array {
  let bytes = source.slice();
  for (let n = random.below(4); n >= 0; n--) {
    const at = random.below(Math.max(1, bytes.length));
    const extreme = [0, 1, 0x7fffffff, 0x80000000, 0xffffffff, bytes.length, bytes.length - 44][random.below(7)];
    switch (random.below(5)) {
      case 0:
        bytes[at] = random.below(256);
        break;
      case 1: {
        const header = random.below(Math.min(48, bytes.length + 1));
        if (header + 4 <= bytes.length) new DataView(bytes.buffer).setUint32(header, extreme >>> 0, true);
        break;
      }
      case 2:
        bytes = bytes.slice(0, at);
        break;
      case 3:
        bytes = Uint8Array.of(...bytes.subarray(0, at), ...bytes.subarray(random.below(at + 1)));
        break;
      default:
        bytes = Uint8Array.of(...bytes.subarray(0, at), ...bytes.subarray(at + random.below(8)));
    }
  }
  return bytes;
}

const noSox = spawnSync('sox', ['--version']).status !== 0 && 'sox is not installed (Debian package sox)';

test('reads what sox writes in every encoding', { skip: noSox }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'cryfold-wav-'));
  try {
    const random = new Random(3);
    const samples = Float64Array.from({ length: 500 }, () => (random.below(241) - 120) / 128);
    writeFileSync(join(directory, 'in.wav'), encodeWav(samples, 16000));
    for (const encoding of [
      '-b8 -eunsigned',
      '-b16 -esigned',
      '-b24 -esigned',
      '-b32 -esigned',
      '-b32 -efloat',
      '-b64 -efloat',
    ]) {
      for (const channels of [1, 2]) {
        // -D: no dither, so that 8 bits represent these values exactly
        const options = ['-D', 'in.wav', ...encoding.split(' '), `-c${channels}`, 'out.wav'];
        const { status, stderr } = spawnSync('sox', options, { cwd: directory, encoding: 'utf8' });
        assert.equal(status, 0, stderr);
        const decoded = decodeWav(readFileSync(join(directory, 'out.wav')), 'out.wav');
        assert.equal(decoded.channels, channels);
        assert.deepEqual([...decoded.samples], [...samples], `${encoding} x ${channels}`);
      }
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
});
