// Measures the duplicate detector: how many distorted copies of real and synthetic sounds it misses, and how many
// different sounds it mistakes for copies.
//   tools/measure-duplicates --data DIR [--clips 100] [--seed 1] [--codec mp3=PROGRAM] [--json]
// Recordings are split by group into two halves. Limits of the detector may only be chosen on the tuning half. Only the
// results on the held-out half are valid measurements.
// PROGRAM is called with the WAV file to read and the WAV file to write. Vorbis and GSM are measured if sox is on the
// PATH.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { parseArgs } from 'node:util';
import { Random, sha256 } from '@cryfold/core';
import {
  decodeWav,
  encodeWav,
  findDuplicates,
  readClips,
  readDataset,
  resample,
  type Sound,
  sharedSounds,
} from '@cryfold/corpus';
import { voice } from '@cryfold/testing';
import { markdownTable } from './estimates.js';

const RATE = 8000;
const PER_MS = RATE / 1000;

/** Two seconds of sound. The first second is the original clip. */
type Source = Float64Array;
type Codec = (samples: Float64Array) => Float64Array;

const original = (source: Source) => cut(source, 0);
const cut = (source: Source, ms: number, length = 1000) => source.slice(ms * PER_MS, (ms + length) * PER_MS);
const plain = (samples: Float64Array): Sound => ({ samples, rate: RATE });
const viaWav = (samples: Float64Array) => decodeWav(encodeWav(samples, RATE), 'copy').samples;

function noisy(samples: Float64Array, decibels: number, random: Random): Float64Array {
  const level = Math.sqrt(samples.reduce((sum, one) => sum + one * one, 0) / samples.length) * 10 ** (-decibels / 20);
  return samples.map((one) => one + level * random.normal());
}

function distortions(random: Random, codecs: Record<string, Codec>): Record<string, (source: Source) => Sound> {
  const shifted = [5, 20, 100, 250, 500, 600, 700, 750, 800].map((ms) => [
    `${ms} ms later (${1000 - ms} ms in common)`,
    (source: Source) => plain(cut(source, ms)),
  ]);
  const resampled = [44100, 22050, 16000, 11025].map((rate) => [
    `at ${rate} Hz`,
    (source: Source): Sound => ({ samples: Float64Array.from(resample(original(source), RATE, rate)), rate }),
  ]);
  const coded = Object.entries(codecs).map(([name, code]) => [name, (source: Source) => plain(code(original(source)))]);
  return {
    'exact copy': (source) => plain(original(source)),
    'a tenth of the level, 16 bits': (source) => plain(viaWav(original(source).map((one) => one / 10))),
    'first 50 ms cut off': (source) => plain(cut(source, 50, 950)),
    'last 50 ms cut off': (source) => plain(cut(source, 0, 950)),
    ...Object.fromEntries(shifted),
    ...Object.fromEntries(resampled),
    ...Object.fromEntries(coded),
    'noise 20 dB below': (source) => plain(noisy(original(source), 20, random)),
    'noise 20 dB below, 500 ms later': (source) => plain(noisy(cut(source, 500), 20, random)),
    'noise 10 dB below': (source) => plain(noisy(original(source), 10, random)),
  };
}

const firstsOf = (sounds: readonly Sound[]) =>
  findDuplicates(async function* () {
    yield* sounds;
  });

/** Counts the copies that the detector misses, and the different sounds that it merges. */
async function measure(sources: readonly Source[], distort: (source: Source) => Sound) {
  const firsts = await firstsOf([...sources.map((source) => plain(original(source))), ...sources.map(distort)]);
  const missed = sources.filter((_, i) => firsts[sources.length + i] !== firsts[i]).length;
  const wrong = firsts.filter((first, i) => first % sources.length !== i % sources.length).length;
  return { copies: sources.length, missed, false: wrong };
}

/** Returns sets of sounds that all differ from each other. */
function different(random: Random): Record<string, Sound[]> {
  const many = (count: number, rate: number, sample: (clip: number) => (i: number) => number): Sound[] =>
    Array.from({ length: count }, (_, clip) => {
      const of = sample(clip);
      return { samples: Float64Array.from({ length: rate }, (_, i) => of(i)), rate };
    });
  const tone = (hertz: number, phase: number) => (i: number) =>
    0.5 * Math.sin((2 * Math.PI * hertz * i) / RATE + phase);
  const walk = () => {
    let at = 0;
    return () => {
      at = 0.98 * at + 0.02 * random.normal();
      return at;
    };
  };
  return {
    'white noise, 44.1 kHz': many(200, 44100, () => () => 0.1 * random.normal()),
    'white noise, 8 kHz': many(1000, RATE, () => () => 0.1 * random.normal()),
    'low-pass noise, 8 kHz': many(500, RATE, walk),
    'tones of one pitch, other phases': many(50, RATE, (clip) => tone(440, clip / 10)),
    'tones 1 Hz apart': many(50, RATE, (clip) => tone(440 + clip, 0)),
    'synthetic voices': Array.from({ length: 200 }, () => plain(cut(voice(random, 2), 0))),
  };
}

function print(text: string): void {
  if (!values.json) console.log(text);
}

type Half = 'tuning' | 'held-out';
type Clip = Awaited<ReturnType<typeof readDataset>>['clips'][number];

function spread<T>(all: readonly T[], count: number): T[] {
  const step = Math.max(1, all.length / count);
  return Array.from({ length: Math.min(count, all.length) }, (_, i) => all[Math.floor(i * step)]);
}

/** Number of evenly spread recordings that an earlier version of this tool used to choose the limits. */
const SEEN = 60;

/**
 * Returns the first clip of each recording that lasts at least two seconds, separately for both halves of the data. The
 * last bit of a group's hash decides its half, but groups with a recording that was used to choose the limits belong to
 * the tuning half.
 */
function halves(clips: readonly Clip[]): Record<Half, Clip[]> {
  const firsts = new Map<string, Clip>();
  for (const clip of clips) if (!firsts.has(clip.file) && clip.rate === RATE) firsts.set(clip.file, clip);
  const all = [...firsts.values()];
  const seen = new Set(spread(all, SEEN).map(({ group }) => group));
  const isTuning = ({ group }: Clip) => seen.has(group) || Number.parseInt(sha256(group).slice(-1), 16) % 2 === 0;
  return { tuning: all.filter(isTuning), 'held-out': all.filter((clip) => !isTuning(clip)) };
}

/** Reads two seconds of `count` recordings from each half, spread evenly. Shorter recordings are skipped. */
async function realSources(data: string, count: number) {
  const dataset = await readDataset(data, { clipSeconds: 2, skipBad: true });
  const found: Partial<Record<Half, Source[]>> = {};
  for (const [half, clips] of Object.entries(halves(dataset.clips))) {
    const groups = new Set(clips.map(({ group }) => group)).size;
    const sources: Source[] = [];
    const chosen = spread(clips, count);
    for await (const { samples } of readClips({ root: dataset.root, clips: chosen })) sources.push(samples.slice());
    found[half as Half] = sources;
    print(`${half}: ${clips.length} recordings in ${groups} groups; ${sources.length} recordings are measured`);
  }
  return found;
}

async function wholeCorpus(data: string) {
  const dataset = await readDataset(data, { skipBad: true });
  const began = performance.now();
  const sounds = await sharedSounds(dataset);
  const named = sounds.map((clips) => clips.map((clip) => dataset.clips[clip].id));
  return { clips: dataset.clips.length, seconds: (performance.now() - began) / 1000, sounds: named };
}

/** @param program called with the file to read and the file to write */
function codecOf(folder: string, program: (from: string, to: string) => void): Codec {
  return (samples) => {
    const [from, to] = [join(folder, 'from.wav'), join(folder, 'to.wav')];
    writeFileSync(from, encodeWav(samples, RATE));
    program(from, to);
    const { samples: coded, rate } = decodeWav(readFileSync(to), to);
    return Float64Array.from(resample(coded, rate, RATE));
  };
}

function codecsOf(folder: string, named: readonly string[]): Record<string, Codec> {
  const codecs: Record<string, Codec> = {};
  const sox = (process.env.PATH ?? '').split(delimiter).some((path) => existsSync(join(path, 'sox')));
  for (const [name, ending, flags] of [
    ['Ogg Vorbis, lowest quality', 'ogg', ['-C', '-1']],
    ['GSM 06.10', 'gsm', []],
  ] as const) {
    if (!sox) continue;
    codecs[name] = codecOf(folder, (from, to) => {
      const coded = join(folder, `coded.${ending}`);
      execFileSync('sox', [from, ...flags, coded]);
      execFileSync('sox', [coded, '-e', 'signed', '-b', '16', to]);
    });
  }
  for (const one of named) {
    const at = one.indexOf('=');
    codecs[one.slice(0, at)] = codecOf(folder, (from, to) => {
      execFileSync(one.slice(at + 1), [from, to]);
    });
  }
  return codecs;
}

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    clips: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    codec: { type: 'string', multiple: true, default: [] },
    json: { type: 'boolean', default: false },
  },
});
const folder = mkdtempSync(join(tmpdir(), 'cryfold-duplicates-'));
try {
  const random = new Random(Number(values.seed));
  const count = Number(values.clips);
  const kinds = distortions(random, codecsOf(folder, values.codec));
  const sets: Record<string, Source[]> = values.data === undefined ? {} : await realSources(values.data, count);
  sets.synthetic = Array.from({ length: count }, () => voice(random, 2));
  const copies: Record<string, Record<string, Awaited<ReturnType<typeof measure>>>> = {};
  for (const [set, sources] of Object.entries(sets)) {
    copies[set] = {};
    for (const [name, distort] of Object.entries(kinds)) copies[set][name] = await measure(sources, distort);
  }
  const sizes = Object.entries(sets).map(([set, { length }]) => [`${set}: missed of ${length}`, `${set}: false`]);
  const rows = Object.keys(kinds).map((name) => [
    name,
    ...Object.keys(sets).flatMap((set) => [copies[set][name].missed, copies[set][name].false].map(String)),
  ]);
  print(`\n${markdownTable([['distortion', ...sizes.flat()], ...rows])}`);
  const others: Record<string, { sounds: number; false: number }> = {};
  for (const [name, sounds] of Object.entries(different(random))) {
    const firsts = await firstsOf(sounds);
    others[name] = { sounds: sounds.length, false: firsts.filter((first, i) => first !== i).length };
  }
  const counts = Object.entries(others).map(([name, one]) => [name, String(one.sounds), String(one.false)]);
  print(`\n${markdownTable([['different sounds', 'number', 'mistaken for copies'], ...counts])}`);
  const corpus = values.data === undefined ? undefined : await wholeCorpus(values.data);
  if (corpus) print(`\nthe data: ${corpus.clips} clips compared in ${corpus.seconds.toFixed(1)} s; shared sounds:`);
  for (const clips of corpus?.sounds ?? []) print(`  ${clips.join('  ')}`);
  if (values.json) console.log(JSON.stringify({ copies, different: others, corpus }, null, 2));
} finally {
  rmSync(folder, { recursive: true });
}
