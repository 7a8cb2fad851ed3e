import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { CryfoldError } from '@cryfold/core';
import { ByteReader, openAudio, resampled } from '@cryfold/corpus';

const hasSox = spawnSync('sox', ['--version']).status === 0;
let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cryfold-resampled-'));
});
after(() => rm(folder, { recursive: true, force: true }));

/** Yields samples in pieces of odd lengths, like the output of decoders. */
async function* pieces(samples: Float64Array): AsyncGenerator<Float64Array> {
  for (let start = 0, i = 0; start < samples.length; start += 1 + ((i * 577) % 5000), i++) {
    yield samples.subarray(start, start + 1 + ((i * 577) % 5000));
  }
}

async function convert(samples: Float64Array, rate: number, target: number): Promise<number[]> {
  const all: number[] = [];
  for await (const block of resampled({ rate, blocks: pieces(samples) }, target, 'given').blocks) all.push(...block);
  return all;
}

const sines = (rate: number, seconds: number, hertz: readonly number[]) =>
  Float64Array.from({ length: Math.round(rate * seconds) }, (_, i) =>
    hertz.reduce((sum, f, k) => sum + (0.8 / hertz.length) * Math.sin((2 * Math.PI * f * i) / rate + k), 0),
  );

const decibels = (samples: readonly number[]) =>
  10 * Math.log10(samples.reduce((sum, x) => sum + x * x, 0) / samples.length + 1e-30);

/** Returns the samples without the ends, where the signal starts and stops abruptly. */
const inner = (samples: readonly number[], rate: number) => samples.slice(0.1 * rate, -0.1 * rate);

const RATES = [
  [44_100, 8000],
  [48_000, 16_000],
  [8000, 22_050],
  [11_025, 8000],
];

test('keeps the length, timing and waveform of frequencies that both rates can represent', async () => {
  for (const [rate, target] of RATES) {
    const hertz = [110, 441, 1003, 0.46 * Math.min(rate, target)];
    const got = await convert(sines(rate, 1, hertz), rate, target);
    assert.equal(got.length, target);
    const wanted = sines(target, 1, hertz);
    const error =
      decibels(
        inner(
          got.map((x, i) => x - wanted[i]),
          target,
        ),
      ) - decibels([...wanted]);
    assert.ok(error < -115, `${rate} to ${target} Hz: ${error} dB`);
  }
});

test('removes frequencies above the limit of the lower rate instead of aliasing them', async () => {
  for (const f of [4300, 5000, 7700, 12_000, 20_000]) {
    const level = decibels(inner(await convert(sines(44_100, 1, [f]), 44_100, 8000), 8000));
    assert.ok(level < -120, `${f} Hz gives ${level} dB`);
  }
});

test('equals sox rate -v where sox keeps all frequencies', {
  skip: hasSox ? false : 'sox is not installed',
}, async () => {
  for (const [rate, target] of RATES) {
    const hertz = [63, 260, 997, 0.3 * Math.min(rate, target), 0.42 * Math.min(rate, target)];
    const samples = sines(rate, 1, hertz);
    const raw = join(folder, 'in.f64');
    await writeFile(raw, new Uint8Array(samples.buffer));
    const format = ['-t', 'f64', '-c', '1'];
    execFileSync('sox', [
      ...['-D', ...format, '-r', String(rate), raw, ...format, join(folder, 'out.f64')],
      ...['rate', '-v', String(target)],
    ]);
    const bytes = await readFile(join(folder, 'out.f64'));
    const wanted = [...new Float64Array(new Uint8Array(bytes).buffer)];
    const got = await convert(samples, rate, target);
    assert.ok(Math.abs(got.length - wanted.length) <= 1);
    const error =
      decibels(
        inner(
          got.map((x, i) => x - (wanted[i] ?? 0)),
          target,
        ),
      ) - decibels(wanted);
    assert.ok(error < -85, `${rate} to ${target} Hz: ${error} dB`);
  }
});

test('resamples a recording to the same samples, even after or concurrently with other recordings', async () => {
  const samples = sines(44_100, 0.3, [700]);
  const first = await convert(samples, 44_100, 8000);
  await convert(sines(44_100, 0.2, [50]), 44_100, 8000);
  await convert(samples, 48_000, 8000);
  const [again, beside] = await Promise.all([convert(samples, 44_100, 8000), convert(samples, 44_100, 8000)]);
  assert.deepEqual(again, first);
  assert.deepEqual(beside, first);
  assert.equal((await convert(samples.subarray(0, 3), 44_100, 8000)).length, 1);
});

test('refuses rates that cannot be converted', () => {
  for (const [rate, target] of [
    [384_000, 8000],
    [100, 96_000],
    [8000, 0.5],
  ]) {
    assert.throws(
      () => resampled({ rate, blocks: pieces(new Float64Array(1)) }, target, 'given'),
      (error) => error instanceof CryfoldError && error.code === 'RATE_UNKNOWN',
    );
  }
});

test('resampling propagates the error about a truncated recording', async () => {
  const audio = await openAudio(ByteReader.ofBytes(new TextEncoder().encode('RIFF')), 'cut').catch((error) => error);
  assert.ok(audio instanceof CryfoldError);
  const broken = async function* () {
    yield new Float64Array(5000);
    throw audio;
  };
  await assert.rejects(async () => {
    for await (const _ of resampled({ rate: 44_100, blocks: broken() }, 8000, 'cut').blocks);
  }, audio);
});
