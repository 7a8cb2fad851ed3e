import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '@cryfold/core';
import { voice } from '@cryfold/testing';
import { decodeWav, encodeWav, findDuplicates, resample, type Sound } from '../src/index.js';

const RATE = 8000;

function noise(random: Random, samples: number, level = 0.1): Float64Array {
  return Float64Array.from({ length: samples }, () => level * random.normal());
}

const at = (rate: number, sounds: readonly Float64Array[]): Sound[] => sounds.map((samples) => ({ samples, rate }));

/** Returns, for each sound, the index of the first sound that is equal to it. */
async function firsts(sounds: readonly Sound[]): Promise<number[]> {
  const read = async function* () {
    yield* sounds;
  };
  return [...(await findDuplicates(read))];
}

const alone = (count: number) => Array.from({ length: count }, (_, i) => i);

test('independent noise is never a copy, whatever its sampling rate', async () => {
  for (const rate of [8000, 44100]) {
    const random = new Random(rate);
    const sounds = at(
      rate,
      Array.from({ length: 40 }, () => noise(random, rate)),
    );
    assert.deepEqual(await firsts(sounds), alone(40), `${rate} Hz`);
  }
});

test('different voices and pure tones that differ in phase or pitch are not copies', async () => {
  const random = new Random(2);
  const voices = Array.from({ length: 300 }, () => voice(random, 1));
  assert.deepEqual(await firsts(at(RATE, voices)), alone(300));
  const tone = (hertz: number, phase: number) =>
    Float64Array.from({ length: RATE }, (_, i) => 0.5 * Math.sin((2 * Math.PI * hertz * i) / RATE + phase));
  const tones = [tone(440, 0), tone(440, 1), tone(440, 2), tone(441, 0), tone(880, 0.5), tone(1000, 0), tone(1000, 1)];
  assert.deepEqual(await firsts(at(RATE, tones)), alone(7));
});

test('treats equal bytes as one sound even if they cannot be correlated, and all silence as one sound', async () => {
  const tone = Float64Array.from({ length: RATE }, (_, i) => Math.sin(i / 3));
  const sounds = [tone, new Float64Array(RATE), tone.slice(), new Float64Array(RATE).fill(0.25), Float64Array.of(1)];
  assert.deepEqual(await firsts(at(RATE, sounds)), [0, 1, 0, 1, 1]);
});

/** Distortions that are applied to one second of a longer recording. */
const DISTORTIONS: Record<string, (cut: (offset: number, length?: number) => Float64Array, random: Random) => Sound> = {
  'a tenth of the level, in 16 bits': (cut) => {
    const quiet = cut(0).map((sample) => sample / 10);
    return { samples: decodeWav(encodeWav(quiet, RATE), 'copy').samples, rate: RATE };
  },
  'silence around it': (cut) => {
    const padded = new Float64Array(RATE + 2000);
    padded.set(cut(0), 700);
    return { samples: padded, rate: RATE };
  },
  'the first 50 ms cut off': (cut) => ({ samples: cut(400, RATE - 400), rate: RATE }),
  'the last 50 ms replaced by zeros': (cut) => ({ samples: cut(0).fill(0, RATE - 400), rate: RATE }),
  ...Object.fromEntries(
    [1, 5, 20, 100, 250, 500].map((ms) => [`${ms} ms later`, (cut) => ({ samples: cut(8 * ms), rate: RATE })]),
  ),
  ...Object.fromEntries(
    [11025, 16000, 22050, 44100].map((rate) => [
      `at ${rate} Hz`,
      (cut) => ({ samples: Float64Array.from(resample(cut(0), RATE, rate)), rate }),
    ]),
  ),
  'noise 20 dB below': (cut, random) => {
    const level = Math.sqrt(cut(0).reduce((sum, sample) => sum + sample ** 2, 0) / RATE) / 10;
    return { samples: cut(0).map((sample) => sample + level * random.normal()), rate: RATE };
  },
};

for (const [name, distort] of Object.entries(DISTORTIONS)) {
  test(`finds a copy: ${name}`, async () => {
    const random = new Random(7);
    const voices = Array.from({ length: 10 }, () => voice(random, 2));
    const cutOf = (samples: Float64Array) => (offset: number, length?: number) =>
      samples.slice(offset, offset + (length ?? RATE));
    const originals = at(
      RATE,
      voices.map((samples) => cutOf(samples)(0)),
    );
    const copies = voices.map((samples) => distort(cutOf(samples), random));
    assert.deepEqual(await firsts([...originals, ...copies]), [...alone(10), ...alone(10)]);
  });
}

test('finds a copy of noise that is shifted by 5 ms', async () => {
  const random = new Random(4);
  const long = noise(random, 45000);
  const sounds = [
    ...Array.from({ length: 5 }, () => noise(random, 44100)),
    long.slice(0, 44100),
    long.slice(220, 44320),
  ];
  assert.deepEqual(await firsts(at(44100, sounds)), [0, 1, 2, 3, 4, 5, 5]);
});

test('treats windows that overlap in a chain as one sound, in any order, identified by its first window', async () => {
  const random = new Random(5);
  const long = voice(random, 4);
  const windows = [12000, 0, 8000, 16000, 4000].map((start) => long.slice(start, start + RATE));
  assert.deepEqual(await firsts(at(RATE, [voice(random, 1), ...windows])), [0, 1, 1, 1, 1, 1]);
});

test('compares short, loud and tiny clips without failing', async () => {
  const click = new Float64Array(100);
  click[40] = 1;
  const loud = new Float64Array(RATE).map((_, i) => (i % 2 ? 1e6 : -1e6));
  const found = await firsts(at(RATE, [click, Float64Array.of(0.5, 0.1), loud, new Float64Array(0)]));
  assert.deepEqual(found, [0, 1, 2, 3]);
});

test('compares clips in several passes if they do not fit into memory together', async () => {
  const random = new Random(6);
  const sounds = at(
    RATE,
    Array.from({ length: 60 }, () => voice(random, 1)),
  );
  sounds.push(...sounds.slice(0, 10).map(({ samples }) => ({ samples: samples.slice(2000), rate: RATE })));
  let reads = 0;
  const read = async function* () {
    reads++;
    yield* sounds;
  };
  const found = await findDuplicates(read, 4 * 4 * RATE);
  assert.deepEqual([...found], [...alone(60), ...alone(10)]);
  assert.ok(reads > 2, `${reads} reads`);
});

test('reads sounds once if none are similar, and again if possible copies have to be confirmed', async () => {
  const random = new Random(9);
  const sounds = at(RATE, [noise(random, RATE), voice(random, 1), voice(random, 1)]);
  const readsOf = async (all: readonly Sound[]) => {
    let reads = 0;
    await findDuplicates(async function* () {
      reads++;
      yield* all;
    });
    return reads;
  };
  assert.equal(await readsOf(sounds), 1);
  const louder = { ...sounds[1], samples: sounds[1].samples.map((sample) => 0.5 * sample) };
  assert.equal(await readsOf([...sounds, louder]), 2);
});
