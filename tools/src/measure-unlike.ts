// Measures the rule that rejects clips unlike the training data: how many clips of held-out groups of the same classes
// it rejects, and how many clips of other sounds.
//   tools/measure-unlike --data DIR [--other NAME=DIR]... [--repeats 10] [--clip-seconds 1]
// In each repeat, the rule is learned from two thirds of the groups. Recordings in OTHER are resampled to the rate of
// the data. A recording is rejected if more than half of its clips are rejected.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Random } from '@cryfold/core';
import { ByteReader, openAudio, readClips, readDataset, recordingsIn, resampled, Windows } from '@cryfold/corpus';
import { type ClipSummary, DEFAULT_FEATURES, featureKindOf, featureSetSchema } from '@cryfold/features/kinds';
import { type LikenessRule, learnLikeness, unlikeness } from '@cryfold/model-registry';
import { markdownTable } from './estimates.js';
import { wholeOption } from './options.js';

const SIGNALS_OF_A_KIND = 60;

interface Sound {
  summary: ClipSummary;
  recording: string;
}

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    other: { type: 'string', multiple: true, default: [] },
    repeats: { type: 'string', default: '10' },
    'clip-seconds': { type: 'string', default: '1' },
  },
});
const { data } = values;
if (data === undefined) {
  process.stderr.write('measure-unlike: --data DIR is missing\n');
  process.exit(2);
}
const repeats = wholeOption('repeats', values.repeats);
const clipSeconds = wholeOption('clip-seconds', values['clip-seconds']);
const set = featureSetSchema.parse({ kind: DEFAULT_FEATURES, clipSeconds });
const summarize = await featureKindOf(set).loadSummary!(set);
const dataset = await readDataset(data, { clipSeconds, skipBad: true });
const { rate, length } = dataset.clips[0];
const extract = (await featureKindOf(set).loadExtractor(set))({ rate, samples: length });
const summaryOf = (samples: Float64Array) => summarize(extract(samples));

const own: (Sound & { group: string; quiet: ClipSummary })[] = [];
for await (const { clip, samples } of readClips(dataset)) {
  if (clip.rate !== rate) continue;
  const quiet = summaryOf(samples.map((one) => one / 4));
  own.push({ summary: summaryOf(samples), quiet, recording: clip.file, group: clip.group });
}
const others = new Map<string, Sound[]>(signals());
for (const other of values.other) {
  const [name, folder] = other.split('=');
  others.set(name, await soundsIn(folder));
}

const groups = [...new Set(own.map(({ group }) => group))].sort();
const random = new Random(1);
const rates = new Map<string, { clips: number[]; recordings: number[] }>();
for (let repeat = 0; repeat < repeats; repeat++) {
  const held = new Set(groups.filter(() => random.uniform() < 1 / 3));
  const training = own.filter(({ group }) => !held.has(group));
  const rule = learnLikeness(
    training.map(({ summary }) => summary),
    training.map(({ group }) => group),
  );
  if (!rule) throw new Error('there are too few clips or groups');
  const test = own.filter(({ group }) => held.has(group));
  note('held-out clips of the same classes', rule, test);
  note(
    'the same, 12 dB quieter',
    rule,
    test.map(({ quiet, recording }) => ({ summary: quiet, recording })),
  );
  for (const [name, sounds] of others) note(name, rule, sounds);
}
const percent = (shares: readonly number[]) => {
  const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
  return `${(100 * mean).toFixed(1)} % (${(100 * Math.min(...shares)).toFixed(1)} to ${(100 * Math.max(...shares)).toFixed(1)})`;
};
process.stdout.write(
  `${markdownTable([
    ['sound', 'clips rejected', 'recordings rejected'],
    ...[...rates].map(([name, { clips, recordings }]) => [name, percent(clips), percent(recordings)]),
  ])}\n`,
);

function note(name: string, rule: LikenessRule, sounds: readonly Sound[]): void {
  const byRecording = new Map<string, number[]>();
  for (const { summary, recording } of sounds) {
    const rejected = unlikeness(rule, summary) > 1 ? 1 : 0;
    byRecording.set(recording, [...(byRecording.get(recording) ?? []), rejected]);
  }
  const share = (all: readonly number[]) => all.reduce((sum, one) => sum + one, 0) / all.length;
  const kept = rates.get(name) ?? { clips: [], recordings: [] };
  rates.set(name, kept);
  kept.clips.push(share([...byRecording.values()].flat()));
  kept.recordings.push(share([...byRecording.values()].map((all) => (share(all) > 0.5 ? 1 : 0))));
}

async function soundsIn(folder: string): Promise<Sound[]> {
  const sounds: Sound[] = [];
  for (const recording of (await recordingsIn(folder)).files) {
    const audio = await openAudio(ByteReader.ofBytes(readFileSync(recording)), recording);
    const signal = audio.rate === rate ? audio : resampled(audio, rate, recording);
    for await (const { samples, silent } of new Windows(signal, { clipSeconds, shortClips: 'pad' }, recording)) {
      if (!silent) sounds.push({ summary: summaryOf(samples), recording });
    }
  }
  return sounds;
}

/** Returns 16-bit sounds with the length of a clip, 6 to 54 dB below full scale. */
function signals(): [string, Sound[]][] {
  const noise = new Random(2);
  const white = () => Float64Array.from({ length }, () => noise.normal());
  const filtered = (pole: number) => {
    let last = 0;
    return white().map((one) => {
      last = pole * last + one;
      return last;
    });
  };
  const sine = (hertz: (seconds: number) => number) => {
    let phase = 0;
    return Float64Array.from({ length }, (_, i) => {
      phase += (2 * Math.PI * hertz(i / rate)) / rate;
      return Math.sin(phase);
    });
  };
  const kinds: Record<string, (i: number) => Float64Array> = {
    'white noise': white,
    'pink noise': pink,
    'brown noise': () => filtered(0.995),
    'tones from 100 Hz to 3 kHz': (i) => sine(() => 100 * 30 ** (i / SIGNALS_OF_A_KIND)),
    sweeps: (i) => sine((seconds) => 100 + 20 * i + (1000 * seconds) / clipSeconds),
    '50 Hz hum with harmonics and noise': () =>
      white().map((one, k) =>
        [1, 2, 3, 5].reduce((sum, h) => sum + Math.sin((100 * Math.PI * h * k) / rate) / h, one / 100),
      ),
    'white noise whose level rises and falls 4 times a second': () =>
      white().map((one, k) => one * (1 + Math.sin((8 * Math.PI * k) / rate))),
  };
  const quantized = (samples: Float64Array, i: number) => {
    const level = Math.sqrt(samples.reduce((sum, one) => sum + one * one, 0) / length);
    const gain = 10 ** (-(6 + (48 * i) / SIGNALS_OF_A_KIND) / 20) / Math.SQRT2 / level;
    return samples.map((one) => Math.max(-1, Math.min(1, Math.round(one * gain * 32768) / 32768)));
  };
  function pink(): Float64Array {
    // Kellet's economy filter: the sum of three poles is within a decibel of 1/f over the audible range.
    const state = [0, 0, 0];
    return white().map((one) => {
      state[0] = 0.99765 * state[0] + one * 0.099046;
      state[1] = 0.963 * state[1] + one * 0.2965164;
      state[2] = 0.57 * state[2] + one * 1.0526913;
      return state[0] + state[1] + state[2] + one * 0.1848;
    });
  }
  const sounds = Object.entries(kinds).map(([name, make]): [string, Sound[]] => [
    name,
    Array.from({ length: SIGNALS_OF_A_KIND }, (_, i) => ({
      summary: summaryOf(quantized(make(i), i)),
      recording: String(i),
    })),
  ]);
  const dither = Array.from({ length: SIGNALS_OF_A_KIND }, (_, i) => ({
    summary: summaryOf(white().map((one) => Math.round(one * (0.4 + i / 20)) / 32768)),
    recording: String(i),
  }));
  return [...sounds, ['near silence: noise of 0.5 to 3 quantisation steps at 16 bits', dither]];
}
